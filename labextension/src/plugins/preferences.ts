/** The settings. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

import { IPreferences, type Preferences } from '../tokens';

const DEFAULTS: Preferences = {
  attach: 'run',
  reattach: true,
  notifications: 'all',
  stopDelay: 5,
  showEnded: true,
  statusBar: true
};

/** Holds what is chosen now. */
export class Chosen implements IPreferences {
  get current(): Preferences {
    return this._current;
  }

  get changed(): Signal<IPreferences, Preferences> {
    return this._changed;
  }

  /** Take new values; what is absent has its default. */
  take(values: Partial<Preferences>): void {
    this._current = { ...DEFAULTS, ...values };
    this._changed.emit(this._current);
  }

  private _current = DEFAULTS;
  private readonly _changed = new Signal<IPreferences, Preferences>(this);
}

/** Also the plugin that shortcuts, menus and the toolbar's items belong to. */
export const preferences: JupyterFrontEndPlugin<IPreferences> = {
  id: 'jupyterhub-alongside:plugin',
  description: 'What the user has chosen in the settings.',
  autoStart: true,
  provides: IPreferences,
  optional: [ISettingRegistry],
  activate: (_app, registry: ISettingRegistry | null): IPreferences => {
    const chosen = new Chosen();
    registry?.load(preferences.id).then(
      settings => {
        const take = () => chosen.take(settings.composite as Partial<Preferences>);
        settings.changed.connect(take);
        take();
      },
      error => console.warn('The settings of Alongside cannot be read; defaults are used.', error)
    );
    return chosen;
  }
};
