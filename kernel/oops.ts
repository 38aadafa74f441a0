import { siteOf } from '../sim/site.ts';
import type { StackEntry } from '../sim/fiber.ts';
import { DIRECT_MAP_HIGH } from './memory.ts';

/** `ffff888000412a40`, as %px prints it. */
export function pointerText(addr: number): string {
  return addr < 0
    ? 'dead4ead00000000'
    : DIRECT_MAP_HIGH.toString(16) + addr.toString(16).padStart(8, '0');
}

/** `close_fd+0x8/0x100`, and ` [autofs4]` behind a module's function. */
function symbolText({ symbol, site }: StackEntry): string {
  const offset = site === 0 ? 0 : siteOf(site).offsetBytes;
  const module = symbol.module === '' ? '' : ` [${symbol.module}]`;
  return `${symbol.name}+0x${offset.toString(16)}/0x100${module}`;
}

/**
 * A call trace, innermost first. A task inside a system call came in by its entry point, whatever
 * its stack began with.
 */
export function stackLines(stack: readonly StackEntry[]): string[] {
  const lines = stack.map((entry) => symbolText(entry));
  if (stack.some(({ symbol }) => symbol.name === 'do_syscall_64')) {
    lines[lines.length - 1] = 'entry_SYSCALL_64_after_hwframe+0x76/0x7e';
  }
  return lines;
}

/** The innermost place of a stack as a stable name: its site, else its function. */
export function placeText(stack: readonly StackEntry[]): string {
  const top = stack[0];
  if (!top) return 'boot';
  return top.site === 0 ? top.symbol.name : siteOf(top.site).name;
}

/** How a kernel report frames itself. */
export const RULE = '='.repeat(66);
