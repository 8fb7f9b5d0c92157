/** What a front end loads for `alongside.widget.BackendWidget`; anywidget calls it. */
import type { AnyModel } from '@anywidget/types';
import { createRoot } from 'react-dom/client';

import { Control, type Saved } from './control';
import { keepKeys } from './keys';
import { Widget } from './Widget';

interface Given {
  model: AnyModel<Saved>;
}

/** Called once for each model. */
export default function widget() {
  let control: Control | undefined;
  return {
    initialize({ model }: Given) {
      control = new Control(model);
      return () => control?.dispose();
    },
    render({ model, el }: Given & { el: HTMLElement }) {
      control ??= new Control(model);
      el.classList.add('alongside-Widget');
      keepKeys(el);
      wearColours(document.documentElement);
      // this copy of React counts its ids from the start, as the one of JupyterLab does
      const root = createRoot(el, { identifierPrefix: 'alongside-widget' });
      root.render(<Widget control={control} />);
      return () => root.unmount();
    }
  };
}

/** Elsewhere than in Jupyter's own front ends there are none of its colours. */
function wearColours(page: HTMLElement): void {
  const own = getComputedStyle(page).getPropertyValue('--jp-ui-font-color1');
  if (own.trim() === '') {
    page.classList.add('alongside-mod-foreign'); // not on the card: its menus are beside it
  }
}
