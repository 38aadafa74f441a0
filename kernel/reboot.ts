import { kernelText, step, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import { CAP_SYS_BOOT, type Creds } from './cred.ts';
import { EINVAL, EPERM } from './errno.ts';
import type { SyscallRow } from './hooks.ts';
import type { Machine } from './machine.ts';

const RESTARTS = site('machine_restart', 'restart');

/** include/uapi/linux/reboot.h */
const LINUX_REBOOT_MAGIC1 = 0xfee1_dead;
const LINUX_REBOOT_MAGIC2 = 672_274_793;
const LINUX_REBOOT_MAGICS = [LINUX_REBOOT_MAGIC2, 85_072_278, 369_367_448, 537_993_216];
const LINUX_REBOOT_CMD_RESTART = 0x0123_4567;
const LINUX_REBOOT_CMD_HALT = 0xcdef_0123;
const LINUX_REBOOT_CMD_POWER_OFF = 0x4321_fedc;
const LINUX_REBOOT_CMD_CAD_ON = 0x89ab_cdef;
const LINUX_REBOOT_CMD_CAD_OFF = 0;

/** What the C library passes for reboot(RB_AUTOBOOT). */
export const RESTART: readonly number[] = [
  LINUX_REBOOT_MAGIC1,
  LINUX_REBOOT_MAGIC2,
  LINUX_REBOOT_CMD_RESTART,
];

/** The end of a machine by its user's wish, whatever hangs in it. kernel/reboot.c */
export class Reboot {
  readonly #machine: Machine;
  readonly #creds: Creds;
  readonly rows: readonly SyscallRow[] = [
    {
      nr: 169,
      name: 'reboot',
      args: ['magic1', 'magic2', 'cmd', 'arg'],
      run: (magic1, magic2, cmd) => this.sys_reboot(magic1! >>> 0, magic2! >>> 0, cmd! >>> 0),
    },
  ];

  constructor(machine: Machine, creds: Creds) {
    this.#machine = machine;
    this.#creds = creds;
  }

  *sys_reboot(magic1: number, magic2: number, cmd: number): Sim<number> {
    if (!this.#creds.capable(CAP_SYS_BOOT)) return -EPERM;
    if (magic1 !== LINUX_REBOOT_MAGIC1 || !LINUX_REBOOT_MAGICS.includes(magic2)) return -EINVAL;
    switch (cmd) {
      case LINUX_REBOOT_CMD_RESTART:
      case LINUX_REBOOT_CMD_HALT:
      case LINUX_REBOOT_CMD_POWER_OFF:
        yield* step(RESTARTS);
        this.#machine.isDown = true;
        this.#machine.engine.stop();
        for (;;) yield* step(RESTARTS); // it never returns
      case LINUX_REBOOT_CMD_CAD_ON:
      case LINUX_REBOOT_CMD_CAD_OFF:
        return 0;
      default:
        return -EINVAL;
    }
  }
}

kernelText(Reboot);
