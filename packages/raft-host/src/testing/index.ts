export type { ContractCase } from "./contract-case.ts";
export { type PeerLinkRig, peerLinkContract, testHello } from "./peer-link-contract.ts";
export { type PeerEvent, RecordingPeerHandler } from "./recording-peer-handler.ts";
