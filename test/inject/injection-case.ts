/** The form of the shared cases. */
export interface InjectionCase {
  name: string;
  code: string;
  lang?: 'ts' | undefined;
  inputs?: object;
  inputsJs?: string;
  context?: object;
  expect: { result?: unknown; resultJs?: string; error?: string; orError?: string };
  orError?: string;
  altErrors?: string[];
  keeps?: string[];
  identical?: boolean;
  repeat?: number;
  /** The template is refused although text can be injected. */
  textOnly?: boolean;
}
