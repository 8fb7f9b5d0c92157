/** Where the steps of a run are drawn, and which comes after which. Pure. */
import { Graph, layout } from '@dagrejs/dagre';

import type { Step } from './types';

export const WIDTH = 168;
export const HEIGHT = 66;
/** With more steps than this nobody sees anything in a drawing. */
export const MOST = 400;

export interface Placed {
  name: string;
  /** Of its upper left corner. */
  x: number;
  y: number;
}

export interface Drawing {
  steps: Placed[];
  edges: { from: string; to: string }[];
  /** Of all that is drawn. */
  height: number;
}

/** The steps that come before one, each once. */
export function needs({ after, takes, joined }: Step): string[] {
  const sources = Object.values(takes ?? {}).map(source => source.split('.')[0] ?? '');
  return [...new Set([...(after ?? []), ...sources, ...(joined ? [joined] : [])])];
}

/** From left to right; the names are all there are where the definition isn't known. */
export function drawn(names: readonly string[], steps: readonly Step[]): Drawing {
  const known = new Set(names);
  const edges = steps.flatMap(step =>
    needs(step)
      .filter(from => known.has(from) && known.has(step.name))
      .map(from => ({ from, to: step.name }))
  );
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 22, ranksep: 40 });
  for (const name of names) {
    graph.setNode(name, { width: WIDTH, height: HEIGHT });
  }
  for (const { from, to } of edges) {
    graph.setEdge(from, to, {});
  }
  layout(graph);
  const placed = names.map(name => {
    const { x, y } = graph.node(name) as { x: number; y: number };
    return { name, x: x - WIDTH / 2, y: y - HEIGHT / 2 };
  });
  const height = Math.max(HEIGHT, ...placed.map(({ y }) => y + HEIGHT));
  return { steps: placed, edges, height };
}
