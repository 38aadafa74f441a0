import type { FuncProto } from '../../helpers/proto.ts';
import { FUNC, type FuncName } from '../../helpers/func-ids.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import type { ProgView } from '../view.ts';

/** A helper as a program may call it, by its number. get_func_proto() */
export type HelperRule = (id: number, prog: ProgView) => FuncProto | undefined;

/** For helpers that some programs may call, or that are not the same for all. */
export type Choices = Partial<
  Readonly<Record<FuncName, (prog: ProgView) => FuncProto | undefined>>
>;

/** A table of helpers; what is in it is decided by it, the rest by `otherwise`. */
export function funcs(
  protos: readonly FuncProto[],
  choices: Choices,
  otherwise: HelperRule = () => undefined,
): HelperRule {
  const byId = new Map<number, (prog: ProgView) => FuncProto | undefined>([
    ...protos.map((proto) => [proto.id, () => proto] as const),
    ...Object.entries(choices).map(([name, choose]) => [FUNC[name as FuncName], choose] as const),
  ]);
  return (id, prog) => {
    const found = byId.get(id);
    return found ? found(prog) : otherwise(id, prog);
  };
}

/** The first that has it. */
export function firstOf(...rules: readonly HelperRule[]): HelperRule {
  return (id, prog) => {
    for (const rule of rules) {
      const found = rule(id, prog);
      if (found) return found;
    }
    return undefined;
  };
}

/** Only where the program may do that. */
export function onlyIf(may: (prog: ProgView) => boolean, rule: HelperRule): HelperRule {
  return (id, prog) => (may(prog) ? rule(id, prog) : undefined);
}

type AttachName = keyof typeof ATTACH_TYPE;

/** Whether it is for one of these attach types. */
export function isFor(...names: readonly AttachName[]): (prog: ProgView) => boolean {
  const types = new Set(names.map((name) => ATTACH_TYPE[name]));
  return ({ expectedAttachType }) => types.has(expectedAttachType);
}
