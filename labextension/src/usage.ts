/** The last samples of what each backend uses. */
import type { Sample } from './model';

/** Samples that are kept of each. */
const MOST = 120;
const NONE: readonly Sample[] = [];

export class Usages {
  /** Oldest first. */
  of(id: string): readonly Sample[] {
    return this.samples.get(id) ?? NONE;
  }

  /** Take a snapshot. */
  adopt(backends: readonly { id: string; history: readonly Sample[] }[]): void {
    this.samples.clear();
    for (const { id, history } of backends) {
      this.samples.set(id, history.slice(-MOST));
    }
  }

  add(id: string, sample: Sample): void {
    this.samples.set(id, [...this.of(id), sample].slice(-MOST));
  }

  remove(id: string): void {
    this.samples.delete(id);
  }

  private readonly samples = new Map<string, readonly Sample[]>();
}
