import assert from "node:assert/strict";
import activate from "../../plugins/mysql/plugin.ts";
import { brandUnderTest, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { hasIpv6 } from "../support/tcp-proxy.ts";
import { numbersOnMariaDb, numbersOnMySql } from "./mysql-numbers.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";
import { describeNetwork, type Peer } from "./network-suite.ts";

const addresses = hasIpv6() ? "127.0.0.1,::1" : "127.0.0.1";
const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);

describeNetwork({
  name: "mysql",
  driver,
  absent: mariaDbAbsence(),
  numbers: brandUnderTest() === "MySQL" ? numbersOnMySql : numbersOnMariaDb,
  async start(): Promise<Peer> {
    const server = await startMariaDb([`--bind-address=${addresses}`, "--skip-name-resolve"]);
    prepareServer(server, "distant");
    return {
      port: server.port,
      target: (place, options = {}) => {
        const target = mysqlTarget(server, "distant");
        return { ...target, location: `${place}/distant`, options: { ...target.options, ...options } };
      },
      addressQuery: "select substring_index(host, ':', 3) from information_schema.processlist where id = connection_id()",
      sessions: () => Number(server.run("select count(*) from information_schema.processlist where user = 'tide'")),
      stop: () => server.stop(),
    };
  },
});
