import type { World } from './catalog.ts';
import type { Io } from './command.ts';
import { secondsOf } from './render/trace.ts';

/** What the simulated kernel printed in the last run, on stderr, with its own time. */
export async function showLog(world: World, io: Io): Promise<void> {
  const { lines } = world.kernel.machine.klog;
  const { pino } = await import('pino');
  const stream = io.isTerminal ? await prettyStream(io) : plainStream(io);
  const log = pino({ base: null, timestamp: false, level: 'trace' }, stream);
  for (const { level, atNs, cpu, text } of lines) {
    log[LEVELS[level] ?? 'info']({ virtualNs: atNs, time: secondsOf(atNs).trim(), cpu }, text);
  }
}

/** pino's names for the kernel's levels, from 0 (emergency) to 7 (debug). */
const LEVELS = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug'] as const;

function plainStream(io: Io) {
  return { write: (text: string) => io.err(text.trimEnd()) };
}

async function prettyStream(io: Io) {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: io.hasColor,
    ignore: 'virtualNs,time,cpu',
    messageFormat: '[{time}] CPU{cpu} {msg}',
  });
  return { write: (text: string) => io.err((pretty(JSON.parse(text)) ?? '').trimEnd()) };
}
