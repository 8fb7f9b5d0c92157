/** One input for each value that a notebook can be given, by its type. */
import { describedBy, Input, Row } from '../dialogs/Row';
import type { Trans } from '../words';
import type { Parameter } from './types';
import { isLong, type Texts } from './values';

interface ParameterFieldsProps {
  /** What all ids begin with. */
  id: string;
  parameters: readonly Parameter[];
  texts: Texts;
  /** Why a text can't be used, by `parameters.NAME`. */
  wrong: { [input: string]: string };
  trans: Trans;
  onText: (name: string, text: string) => void;
}

/** Those of the cell that is marked for it; the others are under "More". */
export function ParameterFields(props: ParameterFieldsProps) {
  const { parameters, texts, wrong, trans } = props;
  const first = parameters.filter(({ tagged }) => tagged);
  const others = parameters.filter(({ tagged }) => !tagged);
  if (parameters.length === 0) {
    return (
      <p className="alongside-Hint">
        {trans.__('This notebook sets nothing that could be set otherwise.')}
      </p>
    );
  }
  const needed = others.some(({ name }) => wrong[`parameters.${name}`]);
  return (
    <fieldset className="alongside-Box">
      <legend>{trans.__('Parameters')}</legend>
      {first.map(one => (
        <Field key={one.name} {...props} parameter={one} text={texts[one.name] ?? ''} />
      ))}
      {others.length > 0 && (
        <details open={first.length === 0 || needed || undefined}>
          <summary>{trans.__('More: other values of the notebook')}</summary>
          {others.map(one => (
            <Field key={one.name} {...props} parameter={one} text={texts[one.name] ?? ''} />
          ))}
        </details>
      )}
    </fieldset>
  );
}

interface FieldProps extends ParameterFieldsProps {
  parameter: Parameter;
  text: string;
}

function Field({ id: prefix, parameter, text, wrong, trans, onText }: FieldProps) {
  const { name, help } = parameter;
  const id = `${prefix}-parameter-${name}`;
  const error = wrong[`parameters.${name}`];
  const left = emptyText(parameter, trans);
  return (
    <Row id={id} label={name} hint={[help, left].filter(Boolean).join(' ')} error={error}>
      <Value
        id={id}
        parameter={parameter}
        text={text}
        wrong={Boolean(error)}
        trans={trans}
        onText={value => onText(name, value)}
      />
    </Row>
  );
}

/** What leaving it empty means. */
function emptyText({ literal, nullable, required }: Parameter, trans: Trans): string {
  if (!literal) {
    return required ? '' : trans.__('Empty: as the notebook computes it.');
  }
  return nullable ? trans.__('Empty: None.') : '';
}

/** What can be chosen, as it is written and as it is shown; none where anything can be written. */
function optionsOf(parameter: Parameter, trans: Trans): [text: string, title: string][] {
  const { type, choices, literal, nullable, required } = parameter;
  const free: [string, string][] = literal
    ? nullable
      ? [['', trans.__('None')]]
      : []
    : [['', required ? trans.__('choose') : trans.__('computed')]];
  if (choices.length > 0) {
    const shown = choices.filter(one => one !== null);
    return [...free, ...shown.map((one): [string, string] => [JSON.stringify(one), `${one}`])];
  }
  return type === 'bool'
    ? [...free, ['true', trans.__('yes (True)')], ['false', trans.__('no (False)')]]
    : [];
}

interface ValueProps {
  id: string;
  parameter: Parameter;
  text: string;
  wrong: boolean;
  trans: Trans;
  onText: (text: string) => void;
}

function Value({ id, parameter, text, wrong, trans, onText }: ValueProps) {
  const options = optionsOf(parameter, trans);
  if (options.length > 0) {
    return (
      <select
        id={id}
        className="jp-mod-styled"
        value={text}
        aria-invalid={wrong || undefined}
        aria-describedby={describedBy(id)}
        onChange={event => onText(event.target.value)}
      >
        {options.map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    );
  }
  if (isLong(parameter, text)) {
    return (
      <textarea
        id={id}
        className="jp-mod-styled"
        rows={Math.min(8, Math.max(2, text.split('\n').length))}
        spellCheck={false}
        value={text}
        aria-invalid={wrong || undefined}
        aria-describedby={describedBy(id)}
        onChange={event => onText(event.target.value)}
      />
    );
  }
  const number = parameter.type === 'int' || parameter.type === 'float';
  return (
    <Input
      id={id}
      value={text}
      placeholder={parameter.literal ? '' : parameter.source}
      inputMode={number ? 'decimal' : 'text'}
      data-short={number ? '' : undefined}
      wrong={wrong}
      onText={onText}
    />
  );
}
