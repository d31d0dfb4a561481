/** Every connection option, by libpq's name, with the environment variable that may give it. */
export const optionVariables = {
  host: "PGHOST",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  service: "PGSERVICE",
  sslmode: "PGSSLMODE",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslpassword: undefined,
  sslcrl: "PGSSLCRL",
  sslcrldir: "PGSSLCRLDIR",
  sslsni: "PGSSLSNI",
  sslnegotiation: "PGSSLNEGOTIATION",
  connect_timeout: "PGCONNECT_TIMEOUT",
  target_session_attrs: "PGTARGETSESSIONATTRS",
  channel_binding: "PGCHANNELBINDING",
  application_name: "PGAPPNAME",
  options: "PGOPTIONS",
  search_path: undefined,
  statement_timeout: undefined,
  lock_timeout: undefined,
} as const satisfies Record<string, string | undefined>;

export type OptionName = keyof typeof optionVariables;
export type Options = Readonly<Partial<Record<OptionName, string>>>;

export const optionNames = Object.keys(optionVariables) as readonly OptionName[];

export function isOption(name: string): name is OptionName {
  return Object.hasOwn(optionVariables, name);
}

export function fromEnvironment(environment: NodeJS.ProcessEnv): Options {
  const given = Object.entries(optionVariables).flatMap(([name, variable]) => {
    const value = variable === undefined ? undefined : environment[variable];
    return value ? [[name, value]] : [];
  });
  return Object.fromEntries(given);
}
