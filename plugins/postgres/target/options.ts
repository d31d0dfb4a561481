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
  require_auth: "PGREQUIREAUTH",
  application_name: "PGAPPNAME",
  fallback_application_name: undefined,
  gssencmode: "PGGSSENCMODE",
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
  sslcompression: "PGSSLCOMPRESSION",
  load_balance_hosts: "PGLOADBALANCEHOSTS",
  keepalives: undefined,
  keepalives_idle: undefined,
  keepalives_interval: undefined,
  keepalives_count: undefined,
  tcp_user_timeout: undefined,
  options: "PGOPTIONS",
  search_path: undefined,
  statement_timeout: undefined,
  lock_timeout: undefined,
} as const satisfies Record<string, string | undefined>;

/** What libpq also knows, and the only values that can be honoured here. */
export const honoured: Readonly<Partial<Record<keyof typeof optionVariables, readonly string[]>>> = {
  gssencmode: ["disable", "prefer"],
  ssl_min_protocol_version: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
  sslcompression: ["0", "1"],
  load_balance_hosts: ["disable"],
  keepalives: ["1"],
  keepalives_idle: ["0", "60"],
  keepalives_interval: ["0"],
  keepalives_count: ["0"],
  tcp_user_timeout: ["0"],
};

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
