import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresServer } from "./services-postgres.ts";

export interface CertificateOptions {
  readonly authority: string;
  /** The common name, and the one DNS name. */
  readonly subject: string;
  readonly days?: number;
  readonly digest?: string;
}

/** Authorities and certificates in a server's folder, made by openssl. */
export interface Certificates {
  file(name: string): string;
  /** Makes `name.key` and `name.crt` of an authority; its key is RSA when `key` is absent. */
  authority(name: string, key?: string): void;
  /** Makes `name.key` and `name.crt`. */
  issue(name: string, options: CertificateOptions): void;
  /** Makes `<authority>.crl`, which names these certificates. */
  revoke(authority: string, ...names: readonly string[]): void;
  /** Lets the server show a certificate from its next connection on, and ask for one of the authority `clients`. */
  serve(name: string, clients?: string): void;
}

export function createCertificates(server: PostgresServer): Certificates {
  const { folder } = server;
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const file = (name: string) => join(folder, name);
  const { uid, gid } = statSync(file("data"));
  return {
    file,
    authority(name, key = "rsa:2048") {
      openssl(
        "req",
        "-x509",
        "-newkey",
        key,
        "-nodes",
        "-days",
        "9",
        "-subj",
        `/CN=${name}`,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.crt`,
      );
    },
    issue(name, { authority, subject, days = 5, digest }) {
      const names = ["-subj", `/CN=${subject}`, "-addext", `subjectAltName=DNS:${subject}`];
      openssl("req", "-newkey", "rsa:2048", "-nodes", ...names, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      const signed = [
        "-CA",
        `${authority}.crt`,
        "-CAkey",
        `${authority}.key`,
        "-copy_extensions",
        "copy",
        ...(digest === undefined ? [] : [`-${digest}`]),
      ];
      openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-days", String(days), "-out", `${name}.crt`);
      chmodSync(file(`${name}.key`), 0o600);
    },
    revoke(authority, ...names) {
      const lines = ["[ca]", "default_ca = it", "[it]", "database = index.txt", "crlnumber = crlnumber", "default_md = sha256"];
      lines.push("default_crl_days = 5", `private_key = ${authority}.key`, `certificate = ${authority}.crt`, "");
      writeFileSync(file("ca.cnf"), lines.join("\n"));
      writeFileSync(file("index.txt"), "");
      writeFileSync(file("crlnumber"), "01\n");
      for (const name of names) openssl("ca", "-config", "ca.cnf", "-revoke", `${name}.crt`);
      openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", `${authority}.crl`);
    },
    serve(name, clients = "ca") {
      for (const part of [`${name}.key`, `${name}.crt`, `${clients}.crt`]) chownSync(file(part), uid, gid);
      const settings = {
        ssl: "on",
        ssl_cert_file: file(`${name}.crt`),
        ssl_key_file: file(`${name}.key`),
        ssl_ca_file: file(`${clients}.crt`),
      };
      for (const [setting, value] of Object.entries(settings)) server.psql(`alter system set ${setting} = '${value}'`);
      server.psql("select pg_reload_conf()");
      while (server.psql("show ssl_cert_file") !== settings.ssl_cert_file);
    },
  };
}
