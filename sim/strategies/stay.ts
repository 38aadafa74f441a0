import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';

/** Nothing interferes: one run, in which each actor goes on for as long as it can. */
export class Stay implements Strategy {
  readonly name = 'stay';

  get exhausted(): boolean {
    return false;
  }

  begin(run: number): boolean {
    return run === 0;
  }

  choose(choice: Choice): number {
    return choice.stay;
  }

  end(): void {}
}
