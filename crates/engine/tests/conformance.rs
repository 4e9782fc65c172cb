//! The rules of a connection, on every engine: what a peer sees is the same everywhere.
//!
//! A rule is a function of a [`Kind`](landline_engine::Kind) in one of the files beside this one, and is run for each
//! engine under the engine's name. Another engine is another line here.

#![allow(clippy::panic, reason = "a test that fails panics")]

mod conformance {
    mod client;
    mod datagrams;
    mod descriptors;
    mod effects;
    mod files;
    mod isolated;
    mod lab;
    mod limits;
    mod memory;
    mod stopping;
    mod streams;
    mod timers;

    /// Runs rules on one engine.
    macro_rules! on_engine {
        ($engine:ident, $kind:expr, $($area:ident: $($rule:ident),+;)+) => {
            mod $engine {
                use landline_engine::Kind;
                $($(
                    #[test]
                    fn $rule() {
                        super::$area::$rule($kind);
                    }
                )+)+
            }
        };
    }

    /// Runs every rule that a service with nothing shared can keep.
    macro_rules! rules_of_one_connection {
        ($engine:ident, $kind:expr, $($more:tt)*) => {
            on_engine! { $engine, $kind,
                streams:
                    bytes_may_come_one_at_a_time,
                    a_big_chunk_comes_back_whole,
                    a_stalled_reader_is_not_read_from,
                    who_has_shut_down_its_writing_side_still_gets_everything,
                    a_line_without_its_end_is_not_a_message,
                    a_reset_ends_the_connection,
                    a_write_after_finish_sends_nothing,
                    what_a_peer_says_after_our_end_is_thrown_away,
                    a_peer_that_sends_more_than_fits_is_cut_off;
                timers:
                    a_silent_peer_is_cut_off,
                    a_slow_reader_that_makes_progress_is_not,
                    no_idle_time_runs_while_we_owe_an_answer,
                    a_handshake_has_its_own_time,
                    a_protocol_is_woken_at_its_deadline;
                effects:
                    requests_are_answered_in_order,
                    a_reply_that_is_dropped_breaks_the_connection_off;
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
                descriptors:
                    without_descriptors_newcomers_wait_without_spinning;
                $($more)*
            }
        };
    }

    /// Runs the rules of datagrams, for which threads, shards and processes are no engines of their own.
    macro_rules! rules_of_datagrams {
        ($engine:ident, $kind:expr) => {
            on_engine! { $engine, $kind,
                datagrams:
                    every_size_comes_back,
                    many_peers_each_get_their_own,
                    an_answer_leaves_from_the_address_that_was_asked,
                    a_fresh_port_has_the_address_that_was_asked,
                    segments_of_one_buffer_are_datagrams,
                    segments_that_the_kernel_does_not_cut_are_datagrams_too,
                    slow_work_is_answered_and_others_meanwhile,
                    a_stop_waits_for_what_is_under_way;
            }
        };
    }

    /// Runs every rule of connections.
    macro_rules! rules {
        ($engine:ident, $kind:expr, $($more:tt)*) => {
            rules_of_one_connection! { $engine, $kind,
                effects:
                    connections_reach_one_another,
                    everybody_hears_the_same_order,
                    many_who_speak_at_once_cut_off_nobody_who_reads,
                    a_connection_is_ended_by_another,
                    who_leaves_is_told_of_whatever_the_reason,
                    a_command_to_one_who_has_left_is_lost,
                    who_does_not_read_what_others_say_is_cut_off,
                    a_flood_starves_nobody;
                limits:
                    who_leaves_makes_room;
                streams:
                    a_big_message_comes_back_whole_through_a_framing;
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
    rules_of_one_connection! { process, Kind::Process, stopping: a_terminal_s_interrupt_does_not_reach_a_connection; }

    rules_of_datagrams! { datagrams_select, Kind::Select }
    rules_of_datagrams! { datagrams_poll, Kind::Poll }
    rules_of_datagrams! { datagrams_epoll, Kind::Epoll }
    rules_of_datagrams! { datagrams_epoll_edge, Kind::EpollEdge }
}
