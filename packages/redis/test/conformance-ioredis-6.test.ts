import { Redis } from "ioredis";
import { describeRedisStore } from "./describe-redis-store.js";

describeRedisStore("redis (ioredis 6)", (url) => new Redis(url));
