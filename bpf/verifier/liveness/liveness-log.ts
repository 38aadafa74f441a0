import { listedInsn, subprogText } from './arg-log.ts';
import type { VerifierEnv } from '../env.ts';
import { HALF_SLOT_BYTES, HALF_SLOTS, hasBit, isEmptySet } from '../values/spis.ts';
import { type FuncInstance, MAY_READ, MUST_WRITE } from './stack-liveness.ts';
import { insnSlots } from '../passes/successors.ts';
import { BPF_REG_SIZE } from '../types.ts';
import { vlogAlignment } from '../report/print-state.ts';

/** What a buffer of TMP_STR_BUF_LEN holds. */
const FRAME_TEXT_MAX = 319;

/** All functions as called from everywhere. print_instances() */
export function logInstances(env: VerifierEnv): void {
  if (!env.log.isVerbose) return;
  for (const instance of env.liveness!.sorted()) logInstance(env, instance);
}

function logInstance(env: VerifierEnv, instance: FuncInstance): void {
  const { subprog, depth, callsite, start, insnCnt } = instance;
  env.verbose(`stack use/def ${subprogText(env, subprog)} (d${depth},cs${callsite}):\n`);
  for (let i = start; i < start + insnCnt; i += insnSlots(env.insns[i]!)) {
    const line = listedInsn(env, i);
    const use = framesText(instance, i, MAY_READ);
    const def = framesText(instance, i, MUST_WRITE);
    if (use === '' && def === '') {
      env.verbose(`${line}\n`);
      continue;
    }
    const uses = use === '' ? '' : ` use: ${use}`;
    const defs = def === '' ? '' : ` def: ${def}`;
    env.verbose(`${line}${' '.repeat(Math.max(1, vlogAlignment(line.length)))};${uses}${defs}\n`);
  }
}

/** Of all frames, the innermost first. */
function framesText(instance: FuncInstance, insnIdx: number, kind: number): string {
  let text = '';
  for (let frame = instance.depth; frame >= 0; frame--) {
    const masks = instance.frames[frame];
    const at = instance.at(insnIdx) + kind;
    if (!masks || isEmptySet(masks, at)) continue;
    const slots = slotsText(masks, at, frame).join(' ');
    text += (text === '' ? slots : ` ${slots}`).slice(0, FRAME_TEXT_MAX);
  }
  return text;
}

/** `fp0-8`, `fp0-4h` for half of one, `fp0-8..-24` for three and more in a row. fmt_spis_mask() */
function slotsText(masks: Uint32Array, at: number, frame: number): string[] {
  const texts: string[] = [];
  const slots = HALF_SLOTS / 2;
  const isFull = (spi: number): boolean =>
    spi < slots && hasBit(masks, at, spi * 2) && hasBit(masks, at, spi * 2 + 1);
  for (let spi = 0; spi < slots; spi++) {
    const low = hasBit(masks, at, spi * 2);
    if (!low && !hasBit(masks, at, spi * 2 + 1)) continue;
    const name = `fp${frame}`;
    if (!isFull(spi)) {
      texts.push(`${name}${offOf(spi) + (low ? HALF_SLOT_BYTES : 0)}h`);
    } else if (isFull(spi + 1) && isFull(spi + 2)) {
      const first = spi;
      while (isFull(spi + 1)) spi++;
      texts.push(`${name}${offOf(first)}..${offOf(spi)}`);
    } else {
      texts.push(`${name}${offOf(spi)}`);
    }
  }
  return texts;
}

function offOf(spi: number): number {
  return -(spi + 1) * BPF_REG_SIZE;
}
