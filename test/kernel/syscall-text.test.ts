import { describe, expect, test } from 'vitest';
import { AUTOFS_DEV_IOCTL_CLOSEMOUNT } from '../../kernel/fs/autofs.ts';
import { callText, storedText } from '../../kernel/syscall-text.ts';
import { Syscalls } from '../../kernel/syscall.ts';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { Stay } from '../../sim/strategies/stay.ts';

/** User memory by address: texts get their NUL. */
const MEMORY: ReadonlyMap<number, Uint8Array> = new Map([
  [0x1000, bytes('/dev/null\0')],
  [0x2000, bytes('a "b"\n\x01\xff')],
  [0x3000, ints(1, 1, 24, 6, 0, 0)],
  [0x4000, words(0x1000, 0x2000, 0)],
  [0x5000, words(1, 500)],
  [0x6000, words(0, 0, 0x6100, 1, 0x6200, 24, 0)],
  [0x6100, words(0x1000, 4)],
  [0x6200, ints(20, 0, 1, 1, 7, 0)],
  [0x7000, words(0x1_0000)],
  [0x8000, ints(3, 4)],
  [0x9000, bytes('x'.repeat(100))],
]);

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function ints(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
}

function peek(addr: number, size: number): Uint8Array | null {
  for (const [start, found] of MEMORY) {
    const at = addr - start;
    if (at >= 0 && at + size <= found.length) return found.subarray(at, at + size);
  }
  return null;
}

const text = (name: string, ...args: number[]) => callText({ name, names: [], args }, peek);

describe('a call as strace writes it', () => {
  test.each([
    ['close', [6], 'close(6)'],
    ['close', [0xffff_ffff], 'close(-1)'],
    ['open', [0x1000, 0o2000002, 0o644], 'open("/dev/null", O_RDWR|O_CLOEXEC)'],
    ['open', [0x1000, 0o101, 0o644], 'open("/dev/null", O_WRONLY|O_CREAT, 0644)'],
    ['open', [0x1000, 0o4010000, 0], 'open("/dev/null", O_RDONLY|O_SYNC)'],
    ['open', [0xdead0000, 0, 0], 'open(0xdead0000, O_RDONLY)'],
    ['openat', [0xffff_ff9c, 0x1000, 0, 0], 'openat(AT_FDCWD, "/dev/null", O_RDONLY)'],
    ['read', [3, 0x8000, 8], 'read(3, 0x8000, 8)'],
    ['write', [3, 0x2000, 8], String.raw`write(3, "a \"b\"\n\1\377", 8)`],
    ['write', [3, 0x9000, 50], `write(3, "${'x'.repeat(32)}"..., 50)`],
    ['write', [3, 0, 0], 'write(3, NULL, 0)'],
    [
      'ioctl',
      [6, AUTOFS_DEV_IOCTL_CLOSEMOUNT, 0x3000],
      'ioctl(6, AUTOFS_DEV_IOCTL_CLOSEMOUNT, {ioctlfd=6})',
    ],
    ['ioctl', [6, 0x5451, 9], 'ioctl(6, FIOCLEX)'],
    ['ioctl', [6, 0x1234_5678, 9], 'ioctl(6, 0x12345678, 9)'],
    ['fcntl', [3, 1, 0], 'fcntl(3, F_GETFD)'],
    ['fcntl', [3, 2, 1], 'fcntl(3, F_SETFD, FD_CLOEXEC)'],
    ['fcntl', [3, 4, 0o4000], 'fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK)'],
    ['fcntl', [3, 0, 10], 'fcntl(3, F_DUPFD, 10)'],
    ['close_range', [3, 0xffff_ffff, 4], 'close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC)'],
    ['clone', [0x411, 0, 0, 0, 0], 'clone(flags=CLONE_FILES|SIGCHLD)'],
    ['clone', [0x411, 0, 0, 0, 16], 'clone(flags=CLONE_FILES|SIGCHLD, tls=0x10)'],
    [
      'socketpair',
      [1, 0o2000001, 0, 0x8000],
      'socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, 0x8000)',
    ],
    ['eventfd2', [0, 1], 'eventfd2(0, EFD_SEMAPHORE)'],
    ['sendmsg', [4, 0x6000, 0x4000], 'sendmsg(4, {"/dev", SCM_RIGHTS=[7]}, MSG_NOSIGNAL)'],
    ['execve', [0x1000, 0x4000, 0], String.raw`execve("/dev/null", ["/dev/null", 0x2000], NULL)`],
    ['wait4', [0xffff_ffff, 0, 1, 0], 'wait4(-1, NULL, WNOHANG, NULL)'],
    ['kill', [101, 9], 'kill(101, SIGKILL)'],
    ['rt_sigprocmask', [0, 0x7000, 0, 8], 'rt_sigprocmask(SIG_BLOCK, [CHLD], NULL, 8)'],
    ['nanosleep', [0x5000, 0], 'nanosleep({tv_sec=1, tv_nsec=500}, NULL)'],
    ['prctl', [15, 0x1000, 0, 0, 0], 'prctl(PR_SET_NAME, "/dev/null")'],
    ['prctl', [38, 1, 0, 0, 0], 'prctl(PR_SET_NO_NEW_PRIVS, 1)'],
    ['prctl', [99, 1, 2, 0, 0], 'prctl(99, 1, 2)'],
    ['setrlimit', [7, 0x5000], 'setrlimit(RLIMIT_NOFILE, {rlim_cur=1, rlim_max=500})'],
    ['delete_module', [0x1000, 0o4000], 'delete_module("/dev/null", O_NONBLOCK)'],
    ['gettid', [], 'gettid()'],
  ] as const)('%s%j', (name, args, expected) => {
    expect(text(name, ...args)).toBe(expected);
  });

  test('one that is not in the table goes by the names of its arguments', () => {
    const call = {
      name: 'new',
      names: ['pathname', 'flags', 'buf', 'count'],
      args: [0x1000, 3, 0, 7],
    };
    expect(callText(call, peek)).toBe('new("/dev/null", 0x3, NULL, 7)');
  });
});

test.each([
  ['pipe2', 0, [0x8000, 0], '[3, 4]'],
  ['pipe2', -24, [0x8000, 0], ''],
  ['read', 9, [3, 0x1000, 100], '"/dev/null"'],
  ['read', 0, [3, 0x1000, 100], ''],
  ['recvmsg', 3, [3, 0x6000, 0], '{"/de", SCM_RIGHTS=[7]}'],
  ['close', 0, [3], ''],
] as const)('what %s has stored after %i', (name, result, args, expected) => {
  expect(storedText({ name, names: [], args }, result, peek)).toBe(expected);
});

test('every call of the kernel can be shown, whatever its arguments', () => {
  const world = new World(SCENARIOS[0]!);
  const { syscalls } = world.kernel;
  expect(syscalls).toBeInstanceOf(Syscalls);
  expect(syscalls.rows.length).toBeGreaterThan(40);
  for (const { name, args: names } of syscalls.rows) {
    for (const arg of [0, 1, -1, 0x1000, 0x6000, 2 ** 32 - 1, 2 ** 47, 2 ** 53]) {
      const args = names.map(() => arg);
      const call = { name, names, args };
      expect(callText(call, peek)).toMatch(new RegExp(String.raw`^${name}\(.*\)$`));
      expect(storedText(call, 1, peek)).toBeTypeOf('string');
    }
  }
});

test('a run is the same whether it is shown or not', () => {
  for (const scenario of SCENARIOS) {
    const world = new World(scenario);
    const plain = world.run(new Stay());
    world.detailed = true;
    expect(world.run(new Stay()).traceHash, scenario.name).toBe(plain.traceHash);
  }
});
