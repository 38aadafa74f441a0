import { dumpC } from '../../../bpf/btf/dump.ts';
import { Bpf } from '../../../bpf/install.ts';
import { Kernel } from '../../../kernel/kernel.ts';
import { DEFAULT_PROFILE, PROFILES, type Profile } from '../../../kernel/profile.ts';
import { EXIT, type Command } from '../../command.ts';
import { parse, parser, profileFlag } from '../../options.ts';

const SUMMARY = "the simulated kernel's types as C, to compile programs against";
const EXAMPLE = 'bohrbug bpf vmlinux-h > vmlinux.h';

export const vmlinuxHCommand: Command = {
  name: 'vmlinux-h',
  summary: "the simulated kernel's types, as a header",
  async run(args, io) {
    const command = parse(
      parser('bpf vmlinux-h', SUMMARY, EXAMPLE, io).option(
        '--profile <name>',
        `the kernel's version: ${PROFILES.join(', ')}`,
        profileFlag,
      ),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const { profile = DEFAULT_PROFILE } = command.opts<{ profile?: Profile }>();
    const kernel = new Kernel({ cpuCount: 1, profile, mutations: new Set(), mode: 'timed' });
    const { btf } = new Bpf(kernel);
    const options = { guard: '__VMLINUX_H__', preserveAccessIndex: true, kfuncs: true };
    io.out(dumpC(btf, options).trimEnd());
    return EXIT.expected;
  },
};
