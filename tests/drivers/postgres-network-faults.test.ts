import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { hasIpv6 } from "../support/tcp-proxy.ts";
import { describeNetwork, type Peer } from "./network-suite.ts";

const bin = findPostgres();
const addresses = hasIpv6() ? "127.0.0.1,::1" : "127.0.0.1";

describeNetwork({
  name: "postgres",
  driver: createPostgresDriver(),
  absent: typeof bin === "string" ? undefined : bin.absent,
  numbers: (count) => `select i, lpad(i::text, 200, '0') from (select generate_series(1, ${count}::int8) as i) as s`,
  async start(): Promise<Peer> {
    const server = await startPostgres(bin as string, { listen_addresses: addresses });
    return {
      port: server.port,
      target: (place, options = {}) => server.target("postgres", { location: `${place}/postgres`, options }),
      addressQuery: "select host(client_addr) from pg_stat_activity where pid = pg_backend_pid()",
      sessions: () =>
        Number(server.psql("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")),
      stop: () => server.stop(),
    };
  },
});
