/** Plugins that serve schemes people know, so that a refusal can name one without asking a registry. */
export const wellKnownSchemes: Readonly<Record<string, string>> = {
  postgres: "postgres",
  postgresql: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
  libsql: "libsql",
  "libsql+file": "libsql",
  "libsql+http": "libsql",
  "libsql+https": "libsql",
  "libsql+ws": "libsql",
  "libsql+wss": "libsql",
};
