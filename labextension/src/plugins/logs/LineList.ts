/** The lines on the screen. Made by hand rather than by React: there are up to ten thousand, and a
 * change adds a few at the end. */
import { matching, pieces } from './lines';

/** Milliseconds and lines between two refreshes are small; a pixel or two count as the bottom. */
const BOTTOM = 4;

export class LineList {
  /** `node` is what scrolls. */
  constructor(readonly node: HTMLElement) {}

  /** Lines that have what is searched for. */
  get hits(): number {
    return this._hits;
  }

  get atBottom(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    return scrollHeight - scrollTop - clientHeight <= BOTTOM;
  }

  /** Show these; `only`: just the lines with the query. */
  show(lines: readonly string[], query: string, only: boolean): void {
    this._query = query;
    this._only = only;
    this.node.replaceChildren(this._made(lines));
    this._hits = matching(lines, query);
  }

  /** Add lines below; `gone` of the oldest went, `lines` is all there is now. */
  add(added: readonly string[], gone: number, lines: readonly string[], follow: boolean): void {
    const stays = !follow || !this.atBottom;
    if (this._query) {
      this._hits = matching(lines, this._query);
    }
    if (gone > 0 && this._only && this._query) {
      this.show(lines, this._query, this._only);
    } else {
      for (let i = 0; i < gone && this.node.firstChild; i++) {
        this.node.firstChild.remove();
      }
      this.node.append(this._made(added.slice(-lines.length)));
    }
    if (!stays) {
      this.toBottom();
    }
  }

  toBottom(): void {
    this.node.scrollTop = this.node.scrollHeight;
  }

  private _made(lines: readonly string[]): DocumentFragment {
    const made = document.createDocumentFragment();
    for (const line of lines) {
      const parts = pieces(line, this._query);
      if (this._only && this._query && !parts.some(({ hit }) => hit)) {
        continue;
      }
      const row = document.createElement('div');
      row.className = 'alongside-Logs-line';
      for (const { text, hit } of parts) {
        row.append(hit ? marked(text) : text);
      }
      made.append(row);
    }
    return made;
  }

  private _query = '';
  private _only = false;
  private _hits = 0;
}

function marked(text: string): HTMLElement {
  const node = document.createElement('mark');
  node.textContent = text;
  return node;
}
