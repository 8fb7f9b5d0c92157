/** Stops that can still be taken back: they wait in the browser before they are sent. */
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Backend } from '../model';

/** Who ends backends. `leaving`: the page goes away, and the request has to outlive it. */
export type Send = (id: string, leaving: boolean) => Promise<void>;

/** What went wrong with a stop, for whoever tells it. */
export interface FailedStop {
  backend: Backend;
  error: unknown;
}

/** One place for all that can stop a backend, so that each can take back what another began.
 *
 * `delay` gives the seconds that a stop waits, at the time at which it is asked for; 0 sends it at
 * once. When the page goes away, what waits is sent: who asked for it had decided. */
export class PendingStops implements IDisposable {
  constructor(
    private readonly send: Send,
    private readonly delay: () => number = () => 5
  ) {
    window.addEventListener('pagehide', this._leave);
  }

  /** What waits or is being sent is different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A stop was refused or not answered. */
  get failed(): ISignal<this, FailedStop> {
    return this._failed;
  }

  /** When its stop is sent, in milliseconds since 1970; undefined when none waits. */
  at(id: string): number | undefined {
    return this._waiting.get(id)?.at;
  }

  /** Whether its stop is sent and not answered yet. */
  sending(id: string): boolean {
    return this._sending.has(id);
  }

  /** End it after the delay. Asking again changes nothing. */
  stop(backend: Backend): void {
    if (this._disposed || this._waiting.has(backend.id) || this._sending.has(backend.id)) {
      return;
    }
    const wait = Math.max(0, this.delay()) * 1000;
    if (wait === 0) {
      void this._send(backend, false);
      return;
    }
    const timer = window.setTimeout(() => {
      this._waiting.delete(backend.id);
      void this._send(backend, false);
    }, wait);
    this._waiting.set(backend.id, { backend, at: Date.now() + wait, timer });
    this._changed.emit();
  }

  /** Take it back; false when it is too late. */
  undo(id: string): boolean {
    const waiting = this._waiting.get(id);
    if (!waiting) {
      return false;
    }
    window.clearTimeout(waiting.timer);
    this._waiting.delete(id);
    this._changed.emit();
    return true;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Sends what waits. */
  dispose(): void {
    if (!this._disposed) {
      this._leave();
      this._disposed = true;
      window.removeEventListener('pagehide', this._leave);
      Signal.clearData(this);
    }
  }

  private readonly _leave = (): void => {
    for (const { backend, timer } of [...this._waiting.values()]) {
      window.clearTimeout(timer);
      this._waiting.delete(backend.id);
      void this._send(backend, true);
    }
  };

  private async _send(backend: Backend, leaving: boolean): Promise<void> {
    this._sending.add(backend.id);
    this._changed.emit();
    try {
      await this.send(backend.id, leaving);
    } catch (error) {
      this._failed.emit({ backend, error });
    } finally {
      this._sending.delete(backend.id);
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _failed = new Signal<this, FailedStop>(this);
  private readonly _waiting = new Map<string, { backend: Backend; at: number; timer: number }>();
  private readonly _sending = new Set<string>();
  private _disposed = false;
}
