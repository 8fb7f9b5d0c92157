/** Records by id, and what happens to each of them. */
import { JSONExt, type JSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

/** Both sides are undefined for what wasn't or isn't there. */
export interface Happened<T> {
  before: T | undefined;
  after: T | undefined;
}

/** What hasn't changed stays the same object, so that nothing is drawn again for it. */
export class Shelf<T extends { id: string }> {
  get all(): ReadonlyMap<string, T> {
    return this._records;
  }

  /** One record is different. */
  get changed(): ISignal<this, Happened<T>> {
    return this._changed;
  }

  /** Whether it was there and has gone since the last snapshot. */
  gone(id: string): boolean {
    return this._gone.has(id);
  }

  /** Take a snapshot: what isn't in it has gone. */
  adopt(records: readonly T[]): void {
    const there = new Set(records.map(({ id }) => id));
    for (const id of [...this._records.keys()]) {
      if (!there.has(id)) {
        this.remove(id);
      }
    }
    for (const record of records) {
      this.set(record);
    }
    this._gone.clear();
  }

  set(after: T): void {
    const before = this._records.get(after.id);
    if (before && same(before, after)) {
      return;
    }
    this._gone.delete(after.id);
    this._records.set(after.id, after);
    this._changed.emit({ before, after });
  }

  remove(id: string): void {
    this._gone.add(id);
    const before = this._records.get(id);
    if (this._records.delete(id)) {
      this._changed.emit({ before, after: undefined });
    }
  }

  /** Nobody hears anything any more. */
  clear(): void {
    Signal.clearData(this);
  }

  private readonly _changed = new Signal<this, Happened<T>>(this);
  private readonly _records = new Map<string, T>();
  private readonly _gone = new Set<string>();
}

function same(one: unknown, other: unknown): boolean {
  return JSONExt.deepEqual(one as JSONValue, other as JSONValue);
}
