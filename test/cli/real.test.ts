/** The command line with the real kernel under it. */
import { expect, test } from 'vitest';
import { bohrbug } from './kit.ts';

interface Found {
  readonly shrunkToken: string;
  readonly traceHash: string;
}

test('explore autofs-closemount finds, explains and replays the bug', async () => {
  const explored = await bohrbug(['explore', 'autofs-closemount', '--json']);
  expect(explored.code, explored.err).toBe(0);
  const found = explored.json<Found>();
  expect(found).toMatchObject({
    variant: 'bad',
    verdict: 'failure',
    expected: true,
    failure: { kind: 'use-after-free' },
  });
  const replayed = await bohrbug(['replay', found.shrunkToken]);
  expect(replayed.code).toBe(0);
  expect(replayed.out).toContain('BUG: KASAN: slab-use-after-free in autofs_dev_ioctl');
  expect(replayed.out).toMatch(/CPU\d {2}mounter\/\d+ +CPU\d {2}closer\/\d+/);
  expect(replayed.out).toMatch(
    /^ {2}ioctl\(6, AUTOFS_DEV_IOCTL_CLOSEMOUNT, {ioctlfd=6}\)\n( .*\n)+ {40,}close\(42\)\n/m,
  );
  const again = await bohrbug(['replay', found.shrunkToken, '--json']);
  expect(again.json()).toMatchObject({ traceHash: found.traceHash });
});

test('trace prints every event, in the order of time', async () => {
  const { token } = (await bohrbug(['run', 'autofs-closemount', '--json'])).json<{
    token: string;
  }>();
  const { code, out } = await bohrbug(['trace', token]);
  expect(code).toBe(0);
  for (const line of out.split('\n')) expect(line).toMatch(/^\[ +\d+\.\d{9}\] CPU\d \S+ +\w+/);
  expect(out).toContain('syscall close(42)');
});

test('a hazard is found in its bad variant and not in its good one', async () => {
  const { code, out } = await bohrbug(['hazards', '00-H4', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    hazard: '00-H4',
    name: 'synchronous-close',
    profile: 'v7.2',
    ok: true,
    bad: { expectedKinds: ['borrow-rule', 'use-after-free'], found: true },
    good: { clean: true },
  });
});
