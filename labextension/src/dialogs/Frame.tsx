/** A JupyterLab dialog that stays open until what it asks for is done. */
import { Dialog } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import { type ISignal, Signal } from '@lumino/signaling';
import { Panel, type Widget } from '@lumino/widgets';
import { type ReactElement, type RefObject, useEffect, useRef } from 'react';

import type { Trans } from '../words';

/** Between a dialog's frame and its body: whether its button may be pressed, and what that does. */
export class Gate<T> {
  /** What the button does; null leaves the dialog open. Its errors are for the body to show. */
  act: () => Promise<T | null> = async () => null;

  /** What leaving the dialog means while its action is under way: what stands on that button, and
   * whether it stays open for it. */
  get leaving(): Leaving | null {
    return this._leaving;
  }

  set leaving(leaving: Leaving | null) {
    if (leaving?.label !== this._leaving?.label) {
      this._leaving = leaving;
      this._changed.emit();
    }
    this._leaving = leaving;
  }

  /** What stands on the button; '' is what it has at first. */
  get accept(): string {
    return this._accept;
  }

  set accept(label: string) {
    if (label !== this._accept) {
      this._accept = label;
      this._changed.emit();
    }
  }

  /** Something is different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the button can be pressed. */
  get open(): boolean {
    return this._open && !this._busy;
  }

  /** Whether what it does is under way. */
  get busy(): boolean {
    return this._busy;
  }

  /** The id of the element that says why it can't be pressed. */
  get reason(): string {
    return this._reason;
  }

  set(open: boolean, reason: string): void {
    if (open !== this._open || reason !== this._reason) {
      this._open = open;
      this._reason = reason;
      this._changed.emit();
    }
  }

  /** Do it, unless it is being done. */
  async press(): Promise<T | null> {
    if (!this.open) {
      return null;
    }
    this._busy = true;
    this._changed.emit();
    try {
      return await this.act();
    } finally {
      this._busy = false;
      this._changed.emit();
    }
  }

  private _leaving: Leaving | null = null;
  private _accept = '';
  private _open = false;
  private _busy = false;
  private _reason = '';
  private readonly _changed = new Signal<this, void>(this);
}

export interface Leaving {
  label: string;
  /** True: the dialog stays. */
  act(): boolean;
}

export interface FrameOptions<T> {
  title: string;
  /** What stands on the button. */
  accept: string;
  trans: Trans;
  body: (gate: Gate<T>) => ReactElement;
  /** Without a sum beside it. */
  small?: boolean;
}

/** Show a dialog and wait for it; null when it was cancelled. */
export async function show<T>(options: FrameOptions<T>): Promise<T | null> {
  const frame = new Frame(options, new Gate<T>());
  await frame.launch();
  return frame.answer;
}

const ACCEPT = 1;

class Frame<T> extends Dialog<null> {
  /** What its action came to. */
  answer: T | null = null;
  /** What stands on the button that leaves it. */
  private readonly leave: string;
  /** What stands on the one that acts. */
  private readonly does: string;

  constructor(
    { title, accept, trans, body, small }: FrameOptions<T>,
    private readonly gate: Gate<T>
  ) {
    super({
      title,
      body: body(gate),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: accept })
      ],
      renderer: new PlainBody()
    });
    this.leave = trans.__('Cancel');
    this.does = accept;
    this.addClass('alongside-Dialog');
    this.toggleClass('alongside-mod-small', small ?? false);
    this.node.setAttribute('aria-label', title);
    gate.changed.connect(this._checkValidation, this);
    this._checkValidation();
  }

  override dispose(): void {
    Signal.clearData(this.gate);
    super.dispose();
  }

  override resolve(index: number = ACCEPT): void {
    if (index !== ACCEPT) {
      if (!this.gate.leaving?.act()) {
        super.resolve(index);
      }
      return;
    }
    void this.gate.press().then(answer => {
      if (answer !== null && !this.isDisposed) {
        this.answer = answer;
        super.resolve(ACCEPT);
      }
    });
  }

  /** The body decides; JupyterLab's own look at the inputs knows less. A button that can't be
   * pressed can still be reached by keyboard: otherwise nobody hears why. */
  protected override _checkValidation(): void {
    const button = this.node.querySelector('.jp-Dialog-footer .jp-mod-accept');
    button?.setAttribute('aria-disabled', `${!this.gate?.open}`);
    button?.setAttribute('aria-busy', `${this.gate?.busy ?? false}`);
    button?.setAttribute('aria-describedby', this.gate?.reason ?? '');
    this._label(button, this.gate?.accept || this.does);
    const cancel = this.node.querySelector('.jp-Dialog-footer .jp-mod-reject');
    this._label(cancel, this.gate?.leaving?.label ?? this.leave);
  }

  private _label(button: Element | null, text: string | undefined): void {
    const label = button?.querySelector('.jp-Dialog-buttonLabel');
    if (label && text) {
      label.textContent = text;
      button?.setAttribute('aria-label', text);
    }
  }

  /** The Escape key and the cross. */
  override reject(): void {
    if (!this.gate.leaving?.act()) {
      super.reject();
    }
  }

  /** Go round, at the first and the last element. JupyterLab takes for the first one what was there
   * before the body was drawn. */
  private _turn(back: boolean): boolean {
    const stops = [...this.node.querySelectorAll<HTMLElement>(STOPS)];
    const shown = stops.filter(({ offsetParent }) => offsetParent !== null);
    const [first, last] = [shown[0], shown.at(-1)];
    const at = document.activeElement;
    if (at !== (back ? first : last)) {
      return false;
    }
    (back ? last : first)?.focus();
    return true;
  }

  /** What has a meaning of its own for a key keeps it. */
  protected override _evtKeydown(event: KeyboardEvent): void {
    const active = document.activeElement;
    const inBody = active?.closest('.jp-Dialog-body');
    const pressed = event.key === 'Enter' && active?.matches('button, summary, a[href], select');
    if (inBody && (pressed || event.key.startsWith('Arrow'))) {
      return;
    }
    if (event.key === 'Tab' && this._turn(event.shiftKey)) {
      event.stopPropagation();
      event.preventDefault();
      return;
    }
    super._evtKeydown(event);
  }
}

/** What the Tab key stops at; of radio buttons only the chosen ones. */
const STOPS =
  'input:not([type="radio"]), input:checked, select, textarea, summary, a[href], button';

/** JupyterLab wraps the inputs of a body in elements of its own, which React then can't find; and
 * it waits for React before it moves the focus, which may take it out of an input in use. */
class PlainBody extends Dialog.Renderer {
  override createBody(value: Dialog.Body<unknown>): Widget {
    const body = new Panel();
    body.addClass('jp-Dialog-body');
    body.addWidget(ReactWidget.create(value as ReactElement));
    return body;
  }
}

/** The focus goes to the first input in this element, once it is there. */
export function useFirstFocus(): RefObject<HTMLDivElement> {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.querySelector<HTMLElement>('input:not([type="radio"])')?.focus();
  }, []);
  return place;
}
