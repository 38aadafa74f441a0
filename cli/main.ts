import { loadCatalog, loadRegistry } from './catalog.ts';
import type { Io } from './command.ts';
import { dispatch } from './dispatch.ts';

/** The only file that names the process it runs in. */
const { stdout, stderr, env } = process;

let status = '';
let interruptCount = 0;

function showStatus(text: string): void {
  if (!stderr.isTTY || text === status) return;
  status = text.slice(0, (stderr.columns || 80) - 1);
  stderr.write(`\r\x1b[2K${status}`);
}

/** Writes around the status line, which comes back with its next change. */
function write(stream: NodeJS.WriteStream, text: string): void {
  if (status !== '') showStatus('');
  stream.write(`${text}\n`);
}

function hasColor(): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0';
  return Boolean(stdout.isTTY) && env['TERM'] !== 'dumb';
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const io: Io = {
  out: (text) => write(stdout, text),
  err: (text) => write(stderr, text),
  status: showStatus,
  isTerminal: Boolean(stderr.isTTY),
  hasColor: hasColor(),
  width: stdout.isTTY ? stdout.columns || 100 : 100,
  cwd: process.cwd(),
  nowMs: () => performance.now(),
  isInterrupted: () => interruptCount > 0,
  readStdin,
  loadRegistry,
  loadCatalog,
  mapStacks: () => process.setSourceMapsEnabled(true),
};

// The first Ctrl-C ends the search and shows what it has; the second ends the process.
process.on('SIGINT', () => {
  if (interruptCount++ > 0) process.exit(130);
});
// `bohrbug list | head`: whoever read has read enough.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await dispatch(process.argv.slice(2), io);
