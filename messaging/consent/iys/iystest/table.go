package iystest

import "time"

// closed are the public holidays that fall on Monday to Friday, and those that begin at 13:00,
// by year: what the Python package holidays has for Turkey. It is a table of its own, so
// that the simulator finds faults of the one that it tests.
var closed = map[int][2]string{
	2015: {"0101 0423 0501 0519 0717 0924 0925 1029", "0716 0923 1028"},
	2016: {"0101 0519 0705 0706 0707 0830 0912 0913 0914 0915", "0704 1028"},
	2017: {"0501 0519 0626 0627 0830 0901 0904", "0831"},
	2018: {"0101 0423 0501 0615 0821 0822 0823 0824 0830 1029", "0614 0820"},
	2019: {"0101 0423 0501 0604 0605 0606 0715 0812 0813 0814 0830 1029", "0603 1028"},
	2020: {"0101 0423 0501 0519 0525 0526 0715 0731 0803 1029", "0730 1028"},
	2021: {"0101 0423 0513 0514 0519 0715 0720 0721 0722 0723 0830 1029", "0512 0719 1028"},
	2022: {"0502 0503 0504 0519 0711 0712 0715 0830", "0708 1028"},
	2023: {"0421 0501 0519 0628 0629 0630 0830", "0420 0627"},
	2024: {"0101 0410 0411 0412 0423 0501 0617 0618 0619 0715 0830 1029", "0409 1028"},
	2025: {"0101 0331 0401 0423 0501 0519 0606 0609 0715 1029", "0605 1028"},
	2026: {"0101 0320 0423 0501 0519 0527 0528 0529 0715 1029", "0319 0526 1028"},
	2027: {"0101 0309 0310 0311 0423 0517 0518 0519 0715 0830 1029", "0308 1028"},
	2028: {"0228 0501 0505 0508 0519 0830", "0225 0504"},
	2029: {"0101 0214 0215 0216 0423 0424 0425 0426 0427 0501 0830 1029", "0213"},
	2030: {"0101 0204 0205 0206 0415 0416 0423 0501 0715 0830 1029", "0412 1028"},
	2031: {"0101 0124 0402 0403 0404 0423 0501 0519 0715 1029", "0123 0401 1028"},
	2032: {"0101 0114 0115 0116 0322 0323 0324 0325 0423 0519 0715 0830 1029", "0113 1028"},
}

// thirdDay returns the end of the third working day after the day of a time.
func thirdDay(from time.Time) time.Time {
	day := from.In(istanbul)
	left := 3
	for left > 0 {
		day = day.AddDate(0, 0, 1)
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && !listed(closed[day.Year()][0], day) {
			left--
		}
	}
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, istanbul)
	if listed(closed[day.Year()][1], day) {
		end = end.Add(-11 * time.Hour)
	}
	return end
}

func listed(days string, day time.Time) bool {
	want := day.Format("0102")
	for i := 0; i+4 <= len(days); i += 5 {
		if days[i:i+4] == want {
			return true
		}
	}
	return false
}
