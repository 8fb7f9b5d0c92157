/** Timers by name, for moments that may be moved. */

/** The longest that a browser's timer takes; a later moment is not waited for today. */
const LONGEST = 2 ** 31 - 1;

export class Alarms {
  /** Ring after `due` milliseconds, once for each `moment`; undefined: not any more. */
  set(key: string, due: number | undefined, moment: string, ring: () => void): void {
    const old = this._set.get(key);
    if (old?.moment === moment && due !== undefined) {
      return;
    }
    clearTimeout(old?.timer);
    this._set.delete(key);
    if (due !== undefined && due <= LONGEST) {
      this._set.set(key, { moment, timer: window.setTimeout(ring, due) });
    }
  }

  private readonly _set = new Map<string, { moment: string; timer: number }>();
}
