/** Icons of our own. Their colours are the theme's. */
import { LabIcon } from '@jupyterlab/ui-components';

/** Machines in a rack. */
export const alongsideIcon = new LabIcon({
  name: 'jupyterhub-alongside:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="4" y="3" width="16" height="3" rx="1"/>
    <rect x="4" y="8" width="16" height="3" rx="1"/>
    <rect x="4" y="13" width="16" height="3" rx="1"/>
    <rect x="4" y="18" width="16" height="3" rx="1"/>
  </g>
</svg>`
});
