import { Stay } from './stay.ts';

/** Nothing interferes, and nothing can: in simulated time there is one run. */
export class OnlyRun extends Stay {
  #isOver = false;

  override get exhausted(): boolean {
    return this.#isOver;
  }

  override end(): void {
    this.#isOver = true;
  }
}
