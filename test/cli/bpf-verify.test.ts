import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bohrbug, type Ran } from './kit.ts';

const cwd = fileURLToPath(new URL('../data/objects', import.meta.url));
const verify = (...args: readonly string[]): Promise<Ran> =>
  bohrbug(['bpf', 'verify', ...args], { cwd, nowMs: () => 0 });

const OBJECT = 'whole.clang-22-v4.o';

interface Line {
  readonly prog: string;
  readonly verdict: string;
  readonly errno: number;
  readonly insns: number;
  readonly log: string;
}

const lines = ({ out }: Ran): Line[] => out.split('\n').map((line) => JSON.parse(line) as Line);

describe('bohrbug bpf verify', () => {
  test('tells of every program, and by its exit code of all', async () => {
    const ran = await verify(OBJECT, '--json');
    expect(ran.code).toBe(1);
    const found = lines(ran).map(({ prog, verdict, errno }) => `${prog} ${verdict} ${errno}`);
    expect(found).toContain('arithmetic success 0');
    expect(found).toContain('missing failure 22');
    expect(found).toContain('nowhere failure 3');
    expect((await verify(OBJECT, '--prog', 'tail', '--prog', 'kernel')).code).toBe(0);
  });

  test('its lines are the contract', async () => {
    const [line] = lines(await verify(OBJECT, '--prog', 'tail', '--json'));
    expect(line).toEqual({
      file: OBJECT,
      prog: 'tail',
      section: 'syscall',
      verdict: 'success',
      errno: 0,
      insns: 9,
      states: 0,
      durationMs: 0,
      log: '',
    });
  });

  test('a refusal begins with what is wrong, and with the line of the source', async () => {
    const { out } = await verify(OBJECT, '--prog', 'missing');
    const [head, message, source] = out.split('\n');
    expect(head).toBe(`refused missing (${OBJECT}): -EINVAL; 2 instructions, 0 states, 0 ms`);
    expect(message).toMatch(/^ {2}failed to resolve CO-RE relocation .*no_such_field/);
    expect(source).toMatch(/^ {2}at .* @ whole\.bpf\.c:\d+$/);
  });

  test('the log has as much as is asked for', async () => {
    const log = async (level: string): Promise<string> =>
      lines(await verify(OBJECT, '--prog', 'tail', '--log-level', level, '--json'))[0]!.log;
    expect(await log('4')).toMatch(
      /^(verification time .*\n)?(stack depth .*\n)?processed 9 insns/m,
    );
    expect(await log('2')).toMatch(/^0: R1=ctx\(\) R10=fp0$/m);
  });

  test('users without capabilities are told that they lack them', async () => {
    const ran = await verify(OBJECT, '--prog', 'kernel', '--unprivileged', '--json');
    expect(lines(ran)[0]).toMatchObject({ verdict: 'failure', errno: 1 });
  });

  test('bad input is one line', async () => {
    const said = async (...args: readonly string[]): Promise<string> => {
      const { code, err } = await verify(...args);
      expect(code).toBe(2);
      return err;
    };
    expect(await said(OBJECT, '--prog', 'mising')).toContain('did you mean missing?');
    expect(await said(OBJECT, '--log-level', '3')).toContain('expected 0, 1, 2, 4');
    expect(await said(OBJECT, '--flags', 'many')).toContain('expected a number');
    expect(await said('nothing.o')).toContain('no such file');
  });
});
