/** What a card's buttons do. Panel and widget bring their own; an absent one has no button. */
import type { Backend } from '../model';

export interface Actions {
  attach?(backend: Backend): void;
  /** Without a size: ask for it. */
  scale?(backend: Backend, members?: number): void;
  logs?(backend: Backend, role?: string): void;
  dashboard?(backend: Backend, page?: string): void;
  share?(backend: Backend): void;
  /** Give it more time. */
  extend?(backend: Backend): void;
  /** Keep it when its session ends, or no longer. */
  keep?(backend: Backend, keep: boolean): void;
  /** Save what an attached notebook has in it, and end it. */
  pause?(backend: Backend): void;
  stop?(backend: Backend): void;
  /** Take back a stop that has not been sent yet. */
  undo?(backend: Backend): void;
  /** Launch it again, with the form filled in. */
  retry?(backend: Backend): void;
  dismiss?(backend: Backend): void;
  /** Call off a change of size that has stopped nothing yet. */
  callOff?(backend: Backend): void;
  /** Take note of how a change of size ended. */
  noted?(backend: Backend): void;
  copy?(backend: Backend, what: 'python' | 'shell'): void;
}
