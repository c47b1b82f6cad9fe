import type { InteractionCommand } from "../interaction-environment.ts";
import { forEachId } from "./for-each-id.ts";

/** `process-ready 1 2`: each takes one Ready and does, or queues, what it asks for. */
export const processReady: InteractionCommand = (cluster, test) => {
  forEachId(cluster, test, { title: "handling Ready", run: (id) => cluster.processReady(id) });
};
