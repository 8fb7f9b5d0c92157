// Bundles the notebook widget, with its own React, into one file that any front end can load.
import { build } from 'esbuild';

await build({
  entryPoints: [
    { in: 'src/widget/index.tsx', out: 'widget' },
    { in: 'src/widget/widget.css', out: 'widget' }
  ],
  outdir: '../backends/alongside/static',
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  jsx: 'automatic',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning'
});
