//! The rules of a connection, on every engine: what a peer sees is the same everywhere.
//!
//! A rule is a function of an [`Engine`](conformance::engine::Engine), or of a [`Kind`](landline_engine::Kind) where it
//! cannot be simulated, in one of the files beside this one. It is run for each engine under the engine's name, and for
//! the simulated one under several seeds. Another engine is another line here.

#![allow(clippy::panic, reason = "a test that fails panics")]

mod conformance {
    mod client;
    mod datagrams;
    mod descriptors;
    mod effects;
    mod engine;
    mod experiment;
    mod files;
    mod isolated;
    mod lab;
    mod limits;
    mod memory;
    mod oracle;
    mod phone;
    mod reset;
    mod stopping;
    mod streams;
    mod timers;
    mod world;

    /// Runs rules on one engine after the other, and says which it was where one fails.
    macro_rules! on_engines {
        ($engines:ident, $kinds:expr, $($area:ident: $($rule:ident),+;)+) => {
            mod $engines {
                #[allow(unused_imports, reason = "not every list names both")]
                use {super::engine::Engine, landline_engine::Kind, landline_engine::sim::Split};
                $($(
                    #[test]
                    fn $rule() {
                        for engine in $kinds {
                            println!("on {engine:?}");
                            super::$area::$rule(engine.into());
                        }
                    }
                )+)+
            }
        };
    }

    /// Runs every rule that a service with nothing shared can keep.
    macro_rules! rules_of_one_connection {
        ($engine:ident, $kinds:expr, $($more:tt)*) => {
            on_engines! { $engine, $kinds,
                streams:
                    bytes_may_come_one_at_a_time,
                    a_big_chunk_comes_back_whole,
                    a_stalled_reader_is_not_read_from,
                    no_more_is_read_than_there_is_room_for,
                    who_has_shut_down_its_writing_side_still_gets_everything,
                    a_line_without_its_end_is_not_a_message,
                    a_reset_ends_the_connection,
                    a_write_after_finish_sends_nothing,
                    what_a_peer_says_after_our_end_is_thrown_away,
                    a_peer_that_sends_more_than_fits_is_cut_off;
                timers:
                    a_silent_peer_is_cut_off,
                    a_slow_reader_that_makes_progress_is_not,
                    a_slow_writer_that_makes_progress_is_not,
                    no_idle_time_runs_while_we_owe_an_answer,
                    a_handshake_has_its_own_time,
                    a_protocol_is_woken_at_its_deadline;
                effects:
                    requests_are_answered_in_order,
                    a_last_request_is_answered_before_the_end,
                    a_reply_that_is_dropped_breaks_the_connection_off;
                reset:
                    a_reset_is_noticed_while_an_answer_is_owed,
                    a_reset_is_noticed_behind_bytes_that_are_not_read;
                files:
                    a_file_arrives_whole_between_what_was_written,
                    a_file_that_is_shorter_than_promised_ends_the_connection;
                limits:
                    one_address_has_its_places_and_no_more,
                    there_are_so_many_places_in_all;
                stopping:
                    a_stop_asks_waits_and_then_cuts,
                    the_second_stop_cuts_at_once,
                    an_idle_server_stops_at_once;
                $($more)*
            }
        };
    }

    /// Runs the rules of datagrams, for which threads, shards and processes are no engines of their own.
    macro_rules! rules_of_datagrams {
        ($engine:ident, $kinds:expr, $($more:tt)*) => {
            on_engines! { $engine, $kinds,
                datagrams:
                    every_size_comes_back,
                    many_peers_each_get_their_own,
                    segments_of_one_buffer_are_datagrams,
                    segments_that_the_kernel_does_not_cut_are_datagrams_too,
                    slow_work_is_answered_and_others_meanwhile,
                    a_stop_waits_for_what_is_under_way;
                $($more)*
            }
        };
    }

    /// Runs every rule of datagrams, on sockets with addresses of their own.
    macro_rules! rules_of_datagrams_on_sockets {
        ($engine:ident, $kind:expr) => {
            rules_of_datagrams! { $engine, [$kind],
                datagrams:
                    an_answer_leaves_from_the_address_that_was_asked,
                    a_fresh_port_has_the_address_that_was_asked;
            }
        };
    }

    /// Runs every rule that one connection can keep with others.
    macro_rules! rules_of_many_connections {
        ($engine:ident, $kinds:expr, $($more:tt)*) => {
            rules_of_one_connection! { $engine, $kinds,
                effects:
                    connections_reach_one_another,
                    everybody_hears_the_same_order,
                    a_connection_is_ended_by_another,
                    who_leaves_is_told_of_whatever_the_reason,
                    a_command_to_one_who_has_left_is_lost,
                    who_does_not_read_what_others_say_is_cut_off,
                    a_flood_starves_nobody;
                reset:
                    a_reset_is_noticed_that_came_with_what_is_asked;
                limits:
                    who_is_refused_is_told_why,
                    who_leaves_makes_room;
                $($more)*
            }
        };
    }

    /// Runs every rule of connections.
    macro_rules! rules {
        ($engine:ident, $kind:expr, $($more:tt)*) => {
            rules_of_many_connections! { $engine, [$kind],
                effects: many_who_speak_at_once_cut_off_nobody_who_reads;
                streams: a_big_message_comes_back_whole_through_a_framing;
                descriptors: without_descriptors_newcomers_wait_without_spinning;
                $($more)*
            }
        };
    }

    rules! { select, Kind::Select, memory: an_idle_connection_keeps_no_buffer; }
    rules! { poll, Kind::Poll, memory: an_idle_connection_keeps_no_buffer; }
    rules! { epoll, Kind::Epoll, memory: an_idle_connection_keeps_no_buffer; }
    rules! { epoll_edge, Kind::EpollEdge, memory: an_idle_connection_keeps_no_buffer; }
    rules! { sharded, Kind::Sharded(2), memory: an_idle_connection_keeps_no_buffer; }
    rules! { threads, Kind::Threads, effects: a_panic_costs_its_own_connection; }
    rules_of_one_connection! { process, [Kind::Process],
        descriptors: without_descriptors_newcomers_wait_without_spinning;
        stopping: a_terminal_s_interrupt_does_not_reach_a_connection;
    }

    // Not simulated are descriptors and memory, which are the system's, and the builder of servers, which has a `Kind`.
    rules_of_many_connections! { sim, Engine::simulated(Split::Whole),
        effects: many_who_speak_at_once_cut_off_nobody_who_reads;
    }
    // Where each write is cut short by chance, a socket may be full at any moment, so that many who speak at once may
    // be too much for it.
    rules_of_many_connections! { sim_cut_by_chance, Engine::simulated(Split::Seeded), }

    rules_of_datagrams_on_sockets! { datagrams_select, Kind::Select }
    rules_of_datagrams_on_sockets! { datagrams_poll, Kind::Poll }
    rules_of_datagrams_on_sockets! { datagrams_epoll, Kind::Epoll }
    rules_of_datagrams_on_sockets! { datagrams_epoll_edge, Kind::EpollEdge }
    // A simulated server has one address. Without latency, loss and duplication no seed differs from another.
    rules_of_datagrams! { datagrams_sim, [Engine::Simulated { seed: 0, split: Split::Whole }], }
}
