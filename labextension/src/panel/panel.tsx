/** The panel as JupyterLab has it in a side area. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import type { Actions } from '../components/actions';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { PanelOptions } from './context';
import { View } from './View';
import type { Section } from './Views';

export type { PanelOptions } from './context';

/** Shows the backends. Draws nothing while it can't be seen. */
export class AlongsidePanel extends ReactWidget {
  constructor(
    private readonly alongside: IAlongside,
    private readonly actions: Actions,
    private readonly trans: Trans,
    private readonly options: PanelOptions
  ) {
    super();
    this.id = 'alongside-panel';
    this.addClass('alongside-PanelWidget');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Alongside'));
  }

  /** Show the backends or the runs. */
  choose(section: Section): void {
    this._asked = { section };
    this.update();
  }

  /** Bring the card of a backend or a run into view and give it the focus. */
  reveal(id: string): void {
    const name = CSS.escape(id);
    const card = this.node.querySelector<HTMLElement>(
      `[data-backend="${name}"], [data-run="${name}"]`
    );
    card?.scrollIntoView({ block: 'nearest' });
    card?.querySelector<HTMLElement>('button')?.focus({ preventScroll: true });
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('jp-button, button')?.focus();
  }

  protected override render(): JSX.Element {
    const { alongside, actions, trans, options } = this;
    const { isVisible: visible, _asked: asked } = this;
    return <View {...{ alongside, actions, trans, options, visible, asked }} />;
  }

  private _asked: { section: Section } | null = null;
}
