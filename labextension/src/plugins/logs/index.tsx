/** Logs as tabs, there again after a reload. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, textEditorIcon, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';

import { CommandIDs, DOMAIN, IAlongside } from '../../tokens';
import type { Trans } from '../../words';
import { Abouts } from '../about';
import { Viewer } from './Viewer';

const RESTORE = 'alongside:restore-logs';

/** What a tab remembers. */
interface Remembered {
  id: string;
  name: string;
  role: string;
}

class LogTab extends ReactWidget {
  constructor(
    private readonly alongside: IAlongside,
    private readonly trans: Trans,
    remembered: Remembered
  ) {
    super();
    this._remembered = remembered;
    this.addClass('alongside-LogTab');
  }

  get remembered(): Remembered {
    return this._remembered;
  }

  /** Another role is shown. */
  readonly changed = new Signal<this, void>(this);

  choose(role: string): void {
    if (role !== this._remembered.role) {
      this._remembered = { ...this._remembered, role };
      this.update();
      this.changed.emit();
    }
  }

  protected render() {
    const { alongside, trans } = this;
    const { id, name, role } = this._remembered;
    return (
      <UseSignal signal={alongside.store.changed}>
        {() => (
          <Viewer
            alongside={alongside}
            trans={trans}
            backend={alongside.store.backends.get(id)}
            id={id}
            name={name}
            role={role}
            choose={chosen => this.choose(chosen)}
          />
        )}
      </UseSignal>
    );
  }

  private _remembered: Remembered;
}

export const logs: JupyterFrontEndPlugin<void> = {
  id: 'jupyterhub-alongside:logs',
  description: 'Shows the logs of backends.',
  autoStart: true,
  requires: [IAlongside],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    alongside: IAlongside,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tracker = new WidgetTracker<MainAreaWidget<LogTab>>({ namespace: 'alongside-logs' });

    function open(remembered: Remembered): void {
      const id = `alongside-logs:${remembered.id}`;
      const there = tracker.find(widget => widget.id === id);
      if (there) {
        if (remembered.role) {
          there.content.choose(remembered.role);
        }
        app.shell.activateById(id);
        return;
      }
      const content = new LogTab(alongside, trans, remembered);
      const widget = new MainAreaWidget({ content });
      widget.toolbar.hide();
      widget.id = id;
      widget.title.label = trans.__('%1: Logs', remembered.name);
      widget.title.caption = trans.__('Logs of “%1”', remembered.name);
      widget.title.icon = textEditorIcon;
      widget.title.closable = true;
      content.changed.connect(() => void tracker.save(widget));
      void tracker.add(widget);
      app.shell.add(widget, 'main', { type: 'Logs' });
      app.shell.activateById(id);
    }

    app.commands.addCommand(RESTORE, {
      execute: ({ id, name, role }) => {
        if (typeof id === 'string' && typeof name === 'string') {
          open({ id, name, role: typeof role === 'string' ? role : '' });
        }
      },
      isVisible: () => false
    });
    void restorer?.restore(tracker, {
      command: RESTORE,
      args: ({ content }) => ({ ...content.remembered }),
      name: widget => widget.id
    });

    new Abouts(app, alongside, trans, palette).add(CommandIDs.logs, {
      label: trans.__('Logs'),
      caption: trans.__('Show what its processes write'),
      act: 'logs',
      run: ({ id, name }, { role }) =>
        open({ id, name, role: typeof role === 'string' ? role : '' })
    });
  }
};
