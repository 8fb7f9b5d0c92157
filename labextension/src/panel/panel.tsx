/** The panel as JupyterLab has it in a side area. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import type { Actions } from '../components/actions';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { PanelOptions } from './context';
import { View } from './View';

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

  /** Bring the card of a backend into view and give it the focus. */
  reveal(id: string): void {
    const card = this.node.querySelector<HTMLElement>(`[data-backend="${CSS.escape(id)}"]`);
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
    return <View {...{ alongside, actions, trans, options }} visible={this.isVisible} />;
  }
}
