// Bundles the notebook widget, with its own React, into one file that any front end can load; and
// makes style sheets small, which JupyterLab's builder takes as they are.
import { build } from 'esbuild';

const small = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning' };

await build({
  ...small,
  entryPoints: [
    { in: 'src/widget/index.tsx', out: 'widget' },
    { in: 'src/widget/widget.css', out: 'widget' }
  ],
  outdir: '../backends/alongside/static',
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' }
});

await build({
  ...small,
  entryPoints: [
    { in: 'style/index.css', out: 'style' },
    // loaded with the graph only
    { in: '@xyflow/react/dist/base.css', out: 'graph' }
  ],
  outdir: 'lib'
});
