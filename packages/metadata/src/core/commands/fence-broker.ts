import { type Shaped, shape } from "@stratalog/base";
import { brokerIdShape, counterShape } from "../fields.ts";
import type { BrokerRegistration, MetadataImage } from "../image.ts";
import { accept, type CommandResult, type Refusal, refuse } from "./command-result.ts";

/** Marks a broker as not heard of or stopping (fence), or as well again (unfence). */
export const fenceBrokerShape = shape.object({
  brokerId: brokerIdShape,
  /** The registration meant; a broker that registered anew meanwhile is left alone. */
  brokerEpoch: counterShape,
});
export type FenceBroker = Shaped<typeof fenceBrokerShape>;

/** Nothing to say but that it is done. */
export type Done = Readonly<Record<string, never>>;

/** Harmless when the broker is fenced already. */
export function handleFenceBroker(image: MetadataImage, command: FenceBroker): CommandResult<Done> {
  const registration = currentRegistration(image, command);
  if ("code" in registration) return registration;
  const { brokerId, brokerEpoch, isFenced } = registration;
  return accept(isFenced ? [] : [{ type: "broker-fenced", brokerId, brokerEpoch }], {});
}

/** Harmless when the broker is not fenced. */
export function handleUnfenceBroker(
  image: MetadataImage,
  command: FenceBroker,
): CommandResult<Done> {
  const registration = currentRegistration(image, command);
  if ("code" in registration) return registration;
  const { brokerId, brokerEpoch, isFenced } = registration;
  return accept(isFenced ? [{ type: "broker-unfenced", brokerId, brokerEpoch }] : [], {});
}

function currentRegistration(
  image: MetadataImage,
  command: FenceBroker,
): BrokerRegistration | Refusal {
  const registration = image.brokers.get(command.brokerId);
  if (registration?.brokerEpoch === command.brokerEpoch) return registration;
  return refuse(
    "INVALID_REQUEST",
    `broker ${command.brokerId} has no registration ${command.brokerEpoch}`,
  );
}
