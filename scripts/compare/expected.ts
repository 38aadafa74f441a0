/** What is promised of one program. */
export interface Expected {
  readonly file: string;
  readonly program: string;
  readonly section: string;
  readonly expected: 'success' | 'failure';
  readonly msgs?: readonly string[];
  readonly not_msgs?: readonly string[];
  readonly expected_unpriv?: 'success' | 'failure';
  readonly msgs_unpriv?: readonly string[];
  readonly log_level?: number;
  readonly flags?: readonly string[];
  readonly retval?: string;
  readonly other?: readonly string[];
  /** A real Linux gave exactly that. */
  readonly calibrated: boolean;
  readonly linuxInsnsProcessed?: number;
}

export function expectedOf(text: string): readonly Expected[] {
  return JSON.parse(text) as Expected[];
}

const FLAGS: Readonly<Record<string, number>> = {
  BPF_F_STRICT_ALIGNMENT: 1 << 0,
  BPF_F_ANY_ALIGNMENT: 1 << 1,
  BPF_F_TEST_RND_HI32: 1 << 2,
  BPF_F_TEST_STATE_FREQ: 1 << 3,
  BPF_F_SLEEPABLE: 1 << 4,
  BPF_F_XDP_HAS_FRAGS: 1 << 5,
  BPF_F_TEST_REG_INVARIANTS: 1 << 7,
};
const DEFAULT_FLAGS = FLAGS['BPF_F_TEST_RND_HI32']! | FLAGS['BPF_F_TEST_REG_INVARIANTS']!;

/** A `!` in front takes a flag away. */
export function flagsOf({ flags = [] }: Expected): number {
  return flags.reduce((all, text) => {
    const name = text.replace(/^!/, '');
    const flag = FLAGS[name] ?? Number(name);
    return text.startsWith('!') ? all & ~flag : all | flag;
  }, DEFAULT_FLAGS);
}

/** `{{…}}` is an extended regular expression, the rest is literal. */
function patternOf(message: string): RegExp {
  const parts = message.split(/\{\{(.*?)\}\}/);
  const source = parts.map((part, i) =>
    i % 2 === 1 ? `(?:${part})` : part.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`),
  );
  return new RegExp(source.join(''), 'gm');
}

/** The first message that is not in the log behind those before it; undefined: all are. */
export function missingMessage(log: string, messages: readonly string[]): string | undefined {
  let at = 0;
  for (const message of messages) {
    const pattern = patternOf(message);
    pattern.lastIndex = at;
    const found = pattern.exec(log);
    if (!found) return message;
    at = found.index + found[0].length;
  }
  return undefined;
}

/** What must not be said, but is. */
export function forbiddenMessage(log: string, messages: readonly string[]): string | undefined {
  return messages.find((message) => patternOf(message).test(log));
}
