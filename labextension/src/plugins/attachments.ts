/** Which backend each kernel is connected to, by the kernel's id. */
import { Signal } from '@lumino/signaling';

import { type Backend, ended } from '../model';

const KEY = 'jupyterhub-alongside:attachments';
/** Kernels that are remembered. */
const MOST = 100;

/** Remembers over a reload of the page, as kernels go on, and for other tabs of this browser. */
export class Attachments {
  constructor(
    private readonly backends: ReadonlyMap<string, Backend>,
    private readonly storage: Pick<Storage, 'getItem' | 'setItem'> = localStorage
  ) {
    this._read();
    window.addEventListener('storage', ({ key }) => {
      if (key === KEY) {
        this._read();
        this._changed.emit();
      }
    });
  }

  get changed(): Signal<this, void> {
    return this._changed;
  }

  /** Its backend; null when there is none, or none any more. */
  of(kernel: string | null | undefined): Backend | null {
    const backend = this.backends.get(this._known.get(kernel ?? '') ?? '');
    return backend && !ended(backend) ? backend : null;
  }

  /** The kernels of a backend, the one that was attached last first. */
  kernels(backend: string): string[] {
    const all = [...this._known].filter(([, id]) => id === backend).map(([kernel]) => kernel);
    return all.reverse();
  }

  set(kernel: string, backend: string): void {
    this._known.delete(kernel);
    this._known.set(kernel, backend);
    this._store();
  }

  /** The kernel is a new process, or gone. */
  forget(kernel: string): void {
    if (this._known.delete(kernel)) {
      this._store();
    }
  }

  /** Tell that another notebook is looked at, or has another kernel. */
  touch(): void {
    this._changed.emit();
  }

  private _read(): void {
    try {
      this._known = new Map(JSON.parse(this.storage.getItem(KEY) ?? '[]') as [string, string][]);
    } catch {
      // not ours, or none may be had: begin anew
    }
  }

  private _store(): void {
    this._known = new Map([...this._known].slice(-MOST));
    try {
      this.storage.setItem(KEY, JSON.stringify([...this._known]));
    } catch {
      // a full or forbidden storage only forgets over a reload
    }
    this._changed.emit();
  }

  private _known = new Map<string, string>();
  private readonly _changed = new Signal<this, void>(this);
}
