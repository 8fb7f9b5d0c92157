/** The lines of a log: how many are kept, how a stream that broke goes on, what is searched for.
 * Pure. */

/** Lines that are kept; older ones go. */
export const MOST = 10_000;
/** Lines that must be the same to be sure that a stream goes on from there. */
const FINGERPRINT = 5;

/** The last lines of what a process has written. */
export class Lines {
  constructor(private readonly most = MOST) {}

  get all(): readonly string[] {
    return this._lines;
  }

  /** Add what came; returns how many of the oldest lines have gone for it. */
  add(lines: readonly string[]): number {
    this._lines.push(...lines.slice(-this.most));
    const gone = Math.max(0, this._lines.length - this.most);
    this._lines.splice(0, gone);
    return gone + Math.max(0, lines.length - this.most);
  }

  clear(): void {
    this._lines = [];
  }

  private _lines: string[] = [];
}

/** What of `tail`, the last lines of the log now, comes after the lines that are known. All of it
 * when nothing of it is known: then more was written meanwhile than could be asked for. */
export function beyond(known: readonly string[], tail: readonly string[]): readonly string[] {
  const mark = known.slice(-FINGERPRINT);
  if (mark.length === 0) {
    return tail;
  }
  for (let end = tail.length; end > 0; end--) {
    // the tail may begin within the mark
    const size = Math.min(mark.length, end);
    if (mark.slice(-size).every((line, i) => line === tail[end - size + i])) {
      return tail.slice(end);
    }
  }
  return tail;
}

/** A piece of a line, and whether it is what is searched for. */
export interface Piece {
  text: string;
  hit: boolean;
}

/** The pieces of a line around each `query`, upper and lower case being the same. */
export function pieces(line: string, query: string): Piece[] {
  if (!query) {
    return [{ text: line, hit: false }];
  }
  const found: Piece[] = [];
  const pattern = new RegExp(query.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  let end = 0;
  for (const match of line.matchAll(pattern)) {
    if (match.index > end) {
      found.push({ text: line.slice(end, match.index), hit: false });
    }
    found.push({ text: match[0], hit: true });
    end = match.index + match[0].length;
  }
  if (end < line.length || found.length === 0) {
    found.push({ text: line.slice(end), hit: false });
  }
  return found;
}

/** How many lines have it. */
export function matching(lines: readonly string[], query: string): number {
  const wanted = query.toLowerCase();
  return wanted ? lines.filter(line => line.toLowerCase().includes(wanted)).length : 0;
}
