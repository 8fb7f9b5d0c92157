/** The inputs of a kind's options, drawn by JupyterLab's form component from their schema. */
import { FormComponent } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type {
  FieldTemplateProps,
  ObjectFieldTemplateProps,
  RJSFSchema,
  WidgetProps
} from '@rjsf/utils';

import type { Trans } from '../words';
import { errorSchema, type Findings } from './findings';
import { describedBy, Input, Row } from './Row';
import { boundsText, fixed, type Option, type Options, type Schema } from './schema';
import { validator } from './validator';

interface SizeFormProps {
  /** What all ids begin with. */
  id: string;
  schema: Schema;
  values: Options;
  /** What is wrong, by dotted path. */
  wrong: Findings;
  /** What to say of the bounds instead of the schema's, by dotted path. */
  bounds: Record<string, string>;
  trans: Trans;
  onValues: (values: Options) => void;
}

interface Context {
  id: string;
  bounds: Record<string, string>;
  trans: Trans;
}

export function SizeForm({ id, schema, values, wrong, bounds, trans, onValues }: SizeFormProps) {
  const context: Context = { id, bounds, trans };
  return (
    <FormComponent
      tagName="div"
      className="alongside-Size"
      idPrefix={id}
      idSeparator="."
      schema={schema as RJSFSchema}
      validator={validator}
      formData={values as ReadonlyJSONObject}
      extraErrors={errorSchema(wrong)}
      noValidate
      showErrorList={false}
      templates={{ FieldTemplate, ObjectFieldTemplate }}
      widgets={{ TextWidget, SelectWidget, CheckboxWidget }}
      formContext={context}
      onChange={({ formData }) => onValues(formData as Options)}
    />
  );
}

function FieldTemplate(props: FieldTemplateProps) {
  const { id, label, schema, rawErrors, children, formContext } = props;
  const { bounds, trans, id: prefix } = formContext as Context;
  const option = schema as Option;
  if (option.type === 'object') {
    return (
      <>
        {children}
        <p className="alongside-Error" role="alert">
          {rawErrors?.[0]}
        </p>
      </>
    );
  }
  const path = id.slice(prefix.length + 1);
  const bound = bounds[path] ?? boundsText(option, trans);
  return (
    <Row
      id={id}
      label={label}
      hint={[option.description, bound].filter(Boolean).join(' ')}
      error={rawErrors?.[0]}
    >
      {children}
    </Row>
  );
}

function ObjectFieldTemplate({ properties }: ObjectFieldTemplateProps) {
  return <>{properties.map(({ content }) => content)}</>;
}

function TextWidget({ id, schema, value, rawErrors, onChange }: WidgetProps) {
  const option = schema as Option;
  const number = option.type === 'integer' || option.type === 'number';
  return (
    <Input
      id={id}
      value={value === undefined || value === null ? '' : `${value}`}
      wrong={Boolean(rawErrors?.length)}
      readOnly={fixed(option)}
      data-short={number || option.format === 'memory' ? '' : undefined}
      onText={text => onChange(text === '' ? undefined : text)}
      {...(number && {
        type: 'number',
        inputMode: 'numeric',
        step: option.type === 'integer' ? 1 : 'any',
        min: option.minimum,
        max: option.maximum
      })}
    />
  );
}

function SelectWidget({ id, value, options, rawErrors, onChange }: WidgetProps) {
  const choices = options.enumOptions ?? [];
  return (
    <select
      id={id}
      className="jp-mod-styled"
      value={choices.findIndex(choice => choice.value === value)}
      aria-invalid={Boolean(rawErrors?.length) || undefined}
      aria-describedby={describedBy(id)}
      onChange={event => onChange(choices[Number(event.target.value)]?.value)}
    >
      {choices.map(({ label }, index) => (
        <option key={label} value={index}>
          {label}
        </option>
      ))}
    </select>
  );
}

function CheckboxWidget({ id, value, onChange }: WidgetProps) {
  return (
    <input
      id={id}
      type="checkbox"
      checked={value === true}
      aria-describedby={describedBy(id)}
      onChange={event => onChange(event.target.checked)}
    />
  );
}
