/**
 * Names for the places of the simulated kernel. A symbol is a function of its text; a site is a
 * point in a function at which another CPU may run. Both are registered once, when the file that
 * uses them is loaded; runs only read them. Hashes and addresses come from names, so that a site
 * added elsewhere, or files loaded in another order, change no fingerprint and no report.
 */
export interface KernelSymbol {
  /** The function's Linux name. */
  readonly name: string;
  /** The module whose text holds it, or '' for the kernel's own. */
  readonly module: string;
  /** Which of the slots of its module's text it takes: only for printing addresses. */
  readonly slot: number;
}

/** Slots of a module's text, and places of a function, for addresses that only names decide. */
const SLOTS = 1 << 12;
const PLACES = 31;
const PLACE_BYTES = 8;

export interface Site {
  readonly id: number;
  /** `close_fd` */
  readonly fn: string;
  /** `C2`, the interleaving point of the spec, or a word. */
  readonly point: string;
  /** `close_fd:C2`: the stable name used in traces, tokens and failure keys. */
  readonly name: string;
  readonly hash: number;
  /** Bytes from the function's start, for call traces. */
  readonly offsetBytes: number;
}

const sites: Site[] = [];
const byName = new Map<string, Site>();

/** 32-bit FNV-1a of UTF-16 units. */
export function nameHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash | 0;
}

/** The id of the site `fn:point`; the same id however often it is asked for. */
export function site(fn: string, point: string): number {
  const name = `${fn}:${point}`;
  const known = byName.get(name);
  if (known) return known.id;
  const hash = nameHash(name);
  const offsetBytes = PLACE_BYTES * (1 + ((hash >>> 0) % PLACES));
  const made: Site = { id: sites.length, fn, point, name, hash, offsetBytes };
  sites.push(made);
  byName.set(name, made);
  return made.id;
}

export function siteOf(id: number): Site {
  return sites[id]!;
}

export function kernelSymbol(name: string, module = ''): KernelSymbol {
  return { name, module, slot: nameHash(name) & (SLOTS - 1) };
}

site('none', ''); // id 0: a request without a place
