import { get } from "node:http";
import { LOOPBACK } from "./dev-directory.ts";

const PROBE_MS_MAX = 1000;
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** An answer of a broker's HTTP port. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** One GET on loopback; undefined when nothing answers within a second. */
export function httpGet(port: number, path: string): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: LOOPBACK, port, path, timeout: PROBE_MS_MAX }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > BODY_BYTES_MAX) request.destroy();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", () => resolve(undefined));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
