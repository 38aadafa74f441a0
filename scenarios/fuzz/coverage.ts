import { READ, type Request } from '../../sim/request.ts';
import { siteOf } from '../../sim/site.ts';
import type { Observer, Strategy } from '../../sim/strategy.ts';

const GRANULE_SHIFT = 3;

interface Last {
  actor: number;
  site: number;
  writes: boolean;
}

/**
 * Which places have met: of two accesses of the same bytes by different CPUs, one a write, the
 * place of the first and that of the second. A pair in a new order is new coverage.
 */
export class PairCoverage {
  readonly pairs = new Set<number>();
  readonly #last = new Map<number, Last>();
  #actor = 0;

  /** The strategy, and what its runs do is added here. */
  watching(strategy: Strategy): Strategy {
    const observer: Observer = {
      acting: (actor, options, count, nameOf) => {
        this.#actor = actor;
        return strategy.observer?.acting(actor, options, count, nameOf) ?? true;
      },
      touched: (addr, size, access) => strategy.observer?.touched(addr, size, access),
      acted: (request) => {
        if (request !== null) this.#add(request);
        strategy.observer?.acted(request);
      },
      cutShort: () => strategy.observer?.cutShort(),
      stuck: (actor, request) => strategy.observer?.stuck(actor, request),
      get goesByBytes() {
        return strategy.observer?.goesByBytes ?? false;
      },
    };
    return {
      get name() {
        return strategy.name;
      },
      get exhausted() {
        return strategy.exhausted;
      },
      begin: (run) => {
        this.#last.clear();
        return strategy.begin(run);
      },
      choose: (choice) => strategy.choose(choice),
      end: (choiceCount) => strategy.end(choiceCount),
      observer,
    };
  }

  #add({ addr, access, site }: Request): void {
    if (addr <= 0) return;
    const writes = access !== READ;
    const key = addr >> GRANULE_SHIFT;
    const last = this.#last.get(key);
    if (!last) {
      this.#last.set(key, { actor: this.#actor, site, writes });
      return;
    }
    if (last.actor !== this.#actor && (writes || last.writes)) {
      this.pairs.add(pairOf(last.site, site));
    }
    last.actor = this.#actor;
    last.site = site;
    last.writes = writes;
  }
}

/** Of names, so that it is the same in every process. */
function pairOf(first: number, second: number): number {
  return Math.imul(siteOf(first).hash, 0x01000193) ^ siteOf(second).hash;
}
