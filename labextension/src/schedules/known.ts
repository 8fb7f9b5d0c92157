/** The user's schedules, as the service told them last. */
import type { Schedule } from '../model';

/** Asked for anew whenever some have changed; there are few of them. */
export class KnownSchedules {
  constructor(
    private readonly ask: () => Promise<Schedule[]>,
    private readonly changed: () => void
  ) {}

  get all(): readonly Schedule[] {
    return this._all;
  }

  async refresh(): Promise<void> {
    const mine = ++this.last;
    try {
      const found = await this.ask();
      // an answer that comes late doesn't replace that of a later question
      if (mine === this.last && JSON.stringify(found) !== JSON.stringify(this._all)) {
        this._all = found;
        this.changed();
      }
    } catch {
      // what was known stays; an older service has none
    }
  }

  private last = 0;
  private _all: readonly Schedule[] = [];
}
