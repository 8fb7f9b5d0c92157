/** A run's steps as a graph: what is done, what works, what waits for what. */
import {
  Background,
  type Edge,
  Handle,
  type Node,
  Position,
  ReactFlow,
  useReactFlow,
  useStore
} from '@xyflow/react';
import '../graph.css';
import { createContext, useContext, useEffect, useMemo } from 'react';

import type { Trans } from '../words';
import { drawn, HEIGHT, MOST, WIDTH } from './graph';
import { nodeText, shareOf } from './state';
import type { Step, StepRun } from './types';

interface DagProps {
  steps: readonly StepRun[];
  /** Its definition; empty until it is known. */
  defined: readonly Step[];
  chosen: string;
  trans: Trans;
  onChoose: (step: string) => void;
}

interface Shown extends Omit<DagProps, 'steps' | 'defined'> {
  steps: ReadonlyMap<string, StepRun>;
}

const Steps = createContext<Shown | null>(null);
const NODE_TYPES = { step: StepNode };
/** The drawing is never larger than it is at its best to read. */
const FIT = { maxZoom: 1, padding: 0.06 };
/** Pixels above and below all that is drawn. */
const MARGIN = 20;

/** Drawn where steps depend on each other; else, or with too many, a list says the same. */
export function Dag({ steps, defined, ...rest }: DagProps) {
  const { trans } = rest;
  const names = steps.map(({ name }) => name).join('\n');
  const { nodes, edges, height } = useMemo(() => {
    const drawing = drawn(names.split('\n'), defined);
    return {
      height: drawing.height,
      nodes: drawing.steps.map(
        ({ name, x, y }): Node => ({
          id: name,
          type: 'step',
          position: { x, y },
          data: {},
          width: WIDTH,
          height: HEIGHT
        })
      ),
      edges: drawing.edges.map(
        ({ from, to }): Edge => ({ id: `${from}→${to}`, source: from, target: to })
      )
    };
  }, [names, defined]);
  const shown: Shown = { ...rest, steps: new Map(steps.map(step => [step.name, step])) };
  return (
    <Steps.Provider value={shown}>
      {steps.length > MOST ? (
        <ul className="alongside-RunView-list" aria-label={trans.__('Steps')}>
          {steps.map(({ name }) => (
            <li key={name}>
              <StepButton name={name} />
            </li>
          ))}
        </ul>
      ) : (
        <section
          className="alongside-RunView-graph"
          style={{ flexBasis: height + 2 * MARGIN }}
          aria-label={trans.__('Steps')}
        >
          <ReactFlow
            key={defined.length}
            nodes={nodes}
            edges={edges}
            nodeTypes={NODE_TYPES}
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            zoomOnScroll={false}
            preventScrolling={false}
            onlyRenderVisibleElements={steps.length > 60}
            minZoom={0.1}
            maxZoom={1.5}
            fitView
            fitViewOptions={FIT}
          >
            <Background gap={24} />
            <Fitted />
          </ReactFlow>
        </section>
      )}
    </Steps.Provider>
  );
}

/** All of it stays in view when there is more or less room. */
function Fitted() {
  const { fitView } = useReactFlow();
  const room = useStore(({ width, height }) => `${width} ${height}`);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other room is a reason to fit it anew
  useEffect(() => {
    void fitView(FIT);
  }, [fitView, room]);
  return null;
}

function StepNode({ id }: { id: string }) {
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <StepButton name={id} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function StepButton({ name }: { name: string }) {
  const shown = useContext(Steps);
  const step = shown?.steps.get(name);
  if (!shown || !step) {
    return null;
  }
  const { mark, text } = nodeText(step, shown.trans);
  return (
    <button
      type="button"
      className={`alongside-Step alongside-mod-${step.state} nodrag nopan`}
      aria-pressed={shown.chosen === name}
      title={step.message || undefined}
      onClick={() => shown.onChoose(name)}
    >
      <strong>
        {mark && <span aria-hidden="true">{mark} </span>}
        {name}
      </strong>
      <span className="alongside-Step-text">{text}</span>
      {step.state === 'running' && step.cells && (
        <span className="alongside-Run-bar" aria-hidden="true">
          <span style={{ width: `${100 * shareOf(step)}%` }} />
        </span>
      )}
    </button>
  );
}
