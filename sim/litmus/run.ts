import { InputError } from '../../base/errors.ts';
import { candidatesOf } from './candidates.ts';
import { holds } from './condition.ts';
import { allows, type ModelName } from './models.ts';
import { parseBpf } from './parse-bpf.ts';
import { parseC } from './parse-c.ts';
import type { LitmusTest, Value } from './program.ts';

export type Observation = 'Never' | 'Sometimes' | 'Always';

export interface LitmusResult {
  readonly test: LitmusTest;
  readonly model: ModelName;
  /** `0:r0=0; x=1;`, each once, in order. */
  readonly states: readonly string[];
  /** Executions in which what the condition asks for holds, and in which not. */
  readonly positive: number;
  readonly negative: number;
  readonly observation: Observation;
  /** Whether the condition with its quantifier is met. */
  readonly ok: boolean;
}

/** The test in a file's text, by its first word. An InputError says what is wrong and where. */
export function parseLitmus(source: string, file: string): LitmusTest {
  const stated = /\bResult:\s*(Never|Sometimes|Always)\b/.exec(source)?.[1];
  const common = { stated: stated as LitmusTest['stated'] };
  const language = /^(?:\s|\(\*[\s\S]*?\*\))*(C|BPF)\b/.exec(source)?.[1];
  if (language === 'C') return { ...parseC(source, file), language, ...common };
  if (language === 'BPF') return { ...parseBpf(source, file), language, ...common };
  throw new InputError(`${file}:1: expected a litmus test that begins with C or BPF and a name`);
}

/** Every execution that the model allows, and what they end with. herd7 does the same. */
export function runLitmus(test: LitmusTest, model: ModelName): LitmusResult {
  const states = new Set<string>();
  let positive = 0;
  let negative = 0;
  for (const candidate of candidatesOf(test)) {
    if (!allows(model, candidate, test.language)) continue;
    states.add(stateText(test, candidate.final));
    if (holds(test.condition, candidate.final)) positive++;
    else negative++;
  }
  const observation = positive === 0 ? 'Never' : negative === 0 ? 'Always' : 'Sometimes';
  const ok =
    test.quantifier === 'exists'
      ? positive > 0
      : test.quantifier === '~exists'
        ? positive === 0
        : negative === 0;
  return { test, model, states: [...states].toSorted(), positive, negative, observation, ok };
}

function stateText({ shown }: LitmusTest, final: ReadonlyMap<string, Value>): string {
  return shown
    .map((name) => `${name}=${String(final.get(name) ?? 0).replace(/^&/, '')};`)
    .join(' ');
}
