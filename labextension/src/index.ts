/** Alongside in JupyterLab: the plugins. */
import { attach } from './plugins/attach';
import { backends } from './plugins/backends';
import { commands } from './plugins/commands';
import { compareRuns } from './plugins/compareRuns';
import { dashboards } from './plugins/dashboards';
import { logs } from './plugins/logs';
import { notifications } from './plugins/notifications';
import { output } from './plugins/output';
import { panel } from './plugins/panel';
import { preferences } from './plugins/preferences';
import { relaunches } from './plugins/relaunches';
import { runNotebook } from './plugins/runNotebook';
import { running } from './plugins/running';
import { runs } from './plugins/runs';
import { runTabs } from './plugins/runTabs';
import { statusbar } from './plugins/statusbar';
import { toolbar } from './plugins/toolbar';
import { traces } from './plugins/traces';

export default [
  preferences,
  backends,
  commands,
  attach,
  relaunches,
  panel,
  dashboards,
  logs,
  output,
  runs,
  runNotebook,
  runTabs,
  compareRuns,
  traces,
  running,
  statusbar,
  toolbar,
  notifications
];
export { IAlongside, IAttachments, IPreferences } from './tokens';
