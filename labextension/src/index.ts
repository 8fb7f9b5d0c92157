/** Alongside in JupyterLab: the plugins. */
import { attach } from './plugins/attach';
import { backends } from './plugins/backends';
import { commands } from './plugins/commands';
import { dashboards } from './plugins/dashboards';
import { logs } from './plugins/logs';
import { notifications } from './plugins/notifications';
import { panel } from './plugins/panel';
import { preferences } from './plugins/preferences';
import { running } from './plugins/running';
import { statusbar } from './plugins/statusbar';
import { toolbar } from './plugins/toolbar';

export default [
  preferences,
  backends,
  commands,
  attach,
  panel,
  dashboards,
  logs,
  running,
  statusbar,
  toolbar,
  notifications
];
export { IAlongside, IAttachments, IPreferences } from './tokens';
