import { BoundedQueue, CodedError } from "@stratalog/base";
import {
  type GroupSessionRequest,
  type GroupSessionResponse,
  type Input,
  invalidRequest,
  toWireError,
} from "@stratalog/protocol";
import { memberMessage, sessionResponse } from "../group-messages.ts";
import type { GroupService } from "../group-service.ts";
import type { CoordinatorMessage, MemberSession } from "../ports.ts";
import {
  localized,
  type MethodEnvironment,
  type OpenStream,
  type StreamHandler,
} from "./method.ts";

/** Commits not answered yet at which reading stops. */
const COMMITS_INFLIGHT_MAX = 64;
/** Messages for a member that does not read; beyond, its stream ends and it comes back. */
const QUEUE_LENGTH_MAX = 256;

/** One member's stream: its messages to the coordinator, the coordinator's to it. */
export class GroupCall implements StreamHandler<GroupSessionRequest> {
  readonly #environment: MethodEnvironment;
  readonly #stream: OpenStream<GroupSessionResponse>;
  readonly #session: MemberSession;
  readonly #queue = new BoundedQueue<Input<GroupSessionResponse>>(QUEUE_LENGTH_MAX);
  #hasJoined = false;
  #isLeaving = false;
  #commitsInflight = 0;
  /** The coordinator said its last; the stream ends when that is written. */
  #isEnding = false;

  constructor(
    environment: MethodEnvironment,
    stream: OpenStream<GroupSessionResponse>,
    service: GroupService,
  ) {
    this.#environment = environment;
    this.#stream = stream;
    this.#session = service.openSession((message) => this.#receive(message));
  }

  onMessage(request: GroupSessionRequest): void {
    if (this.#isEnding) return;
    if (this.#hasJoined === (request.join !== undefined)) {
      throw invalidRequest("join must be the first message of a group session, and only the first");
    }
    const message = this.#decode(request);
    if (message === undefined) return;
    this.#hasJoined = true;
    if (message.type === "commit") {
      this.#commitsInflight++;
      this.#pace();
    }
    this.#isLeaving ||= message.type === "leave";
    this.#session.handle(message);
    if (request.ping !== undefined) this.#send({ pong: { sequence: request.ping.sequence } });
  }

  onWritable(): void {
    this.#flush();
  }

  /**
   * The client closed its side. Without a leave that is like a broken stream; after one the end
   * waits until the member is out, which is what the client waits for.
   */
  onEnd(): void {
    if (!this.#isLeaving) this.#stream.end();
  }

  onClose(): void {
    this.#queue.clear();
    this.#session.close();
  }

  /**
   * A commit that is wrong in itself is answered as refused; any other bad message ends the stream.
   */
  #decode(request: GroupSessionRequest): ReturnType<typeof memberMessage> | undefined {
    try {
      return memberMessage(request, this.#stream.peer);
    } catch (error) {
      const correlation = request.commit?.correlation ?? Number.NaN;
      if (!Number.isSafeInteger(correlation)) throw error;
      this.#send({ committed: { correlation, error: toWireError(error) } });
      return undefined;
    }
  }

  #receive(message: CoordinatorMessage): void {
    if (this.#isEnding) return;
    if (message.type === "committed") {
      this.#commitsInflight--;
      this.#pace();
    }
    this.#isEnding =
      message.type === "left" || message.type === "fenced" || message.type === "moved";
    if (message.type === "left") this.#flush();
    else this.#send(sessionResponse(this.#withAddress(message)));
  }

  #withAddress<Message extends CoordinatorMessage>(message: Message): Message {
    if (!("error" in message) || message.error === undefined) return message;
    const error = CodedError.from(localized(this.#environment, message.error));
    return { ...message, error };
  }

  #send(response: Input<GroupSessionResponse>): void {
    if (this.#queue.push(response)) this.#flush();
    else this.#stream.fail(new CodedError("THROTTLED", "the member does not read its messages"));
  }

  #flush(): void {
    while (this.#stream.isWritable) {
      const response = this.#queue.shift();
      if (response === undefined) break;
      this.#stream.write(response);
    }
    if (this.#isEnding && this.#queue.length === 0) this.#stream.end();
  }

  #pace(): void {
    this.#stream.setReading(this.#commitsInflight < COMMITS_INFLIGHT_MAX);
  }
}
